import type { UseQueryResult } from '@tanstack/react-query';
import { Button, Skeleton } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';

/** True once `on` has been true for `ms`: nothing blinks when the answer is quick. */
export function useDelayed(on: boolean, ms = 300): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!on) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [on, ms]);
  return on && late;
}

export function Waiting(props: { rows?: number }) {
  const late = useDelayed(true);
  const { t } = useTranslation();
  return (
    <div className="waiting" role="status" aria-label={t('ui.loading')}>
      {late ? <Skeleton active paragraph={{ rows: props.rows ?? 6 }} title={false} /> : null}
    </div>
  );
}

/** Says what a page is for and offers the first step. */
export function EmptyState(props: { title: string; text?: ReactNode; action?: ReactNode; small?: boolean }) {
  return (
    <div className={props.small ? 'empty empty-small' : 'empty'}>
      <p className="empty-title">{props.title}</p>
      {props.text ? <p className="empty-text">{props.text}</p> : null}
      {props.action ? <div className="empty-action">{props.action}</div> : null}
    </div>
  );
}

/** Refusals of which the words say all. */
const WHOLE = /^(network|not-found|export-.*|too-many-exports|list-changed|request-is-finished)$/;

/** What the server's refusal means, in the reader's words. */
export function useProblemText(): (error: unknown) => string {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (!(error instanceof ProblemError)) return t('ui.problem.unknown');
    if (error.kind === 'right_missing') {
      const right = error.problem.right ?? '';
      const name = t(`identity.right.${right.replace('.', '_')}`, { defaultValue: right });
      return t('ui.problem.rightMissing', { name });
    }
    if (error.kind === 'reach_missing') return t('ui.problem.reachMissing');
    if (error.kind === 'proof_needed') return t('ui.problem.proofNeeded');
    // The server writes codes with underscores.
    const kind = error.kind.replaceAll('_', '-');
    const known = `ui.problem.${kind}`;
    if (i18n.exists(known)) {
      const detail = error.problem.detail;
      // The rule that refused is worth reading; why an address leads nowhere is not, nor what the words say already.
      return WHOLE.test(kind) || !detail ? t(known) : `${t(known)} ${detail}`;
    }
    return error.problem.detail ?? error.problem.title ?? t('ui.problem.unknown');
  };
}

/** What happened, what to do, and a code to quote. */
export function ErrorState(props: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const say = useProblemText();
  const problem = props.error instanceof ProblemError ? props.error : undefined;
  const status = problem?.status;
  return (
    <div className="empty" role="alert">
      <p className="empty-title">
        {status === 403
          ? t('ui.error.forbidden')
          : status === 404
            ? t('ui.error.notFound')
            : t('ui.error.title')}
      </p>
      <p className="empty-text">{say(props.error)}</p>
      {problem ? (
        <p className="empty-code">
          {t('ui.error.quote')} <code>{problem.quote}</code>
        </p>
      ) : null}
      {props.onRetry && status !== 404 && status !== 403 ? (
        <div className="empty-action">
          <Button onClick={props.onRetry}>{t('ui.retry')}</Button>
        </div>
      ) : null}
    </div>
  );
}

/** Skeleton, error or the content of one query. */
export function Loaded<T>(props: {
  query: UseQueryResult<T>;
  rows?: number;
  children: (data: T) => ReactNode;
}): ReactNode {
  const { query } = props;
  if (query.data !== undefined) return props.children(query.data);
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return <Waiting rows={props.rows} />;
}
