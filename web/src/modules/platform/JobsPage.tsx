import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Segmented, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { JobState } from '@/api/types';
import { useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { useKnownUrl } from '@/ui/known';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';
import { EmptyState, ErrorState, Waiting } from '@/ui/states';
import { Time } from '@/ui/values';
import { retryJob, useJobs } from './api';

const STATES = ['waiting', 'running', 'dead', 'done'] as const;
const COLOUR: Record<string, string | undefined> = {
  waiting: 'gold',
  running: 'blue',
  dead: 'red',
  done: 'green',
};

export default function JobsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const [url, setUrl] = useKnownUrl({ state: oneOf(STATES) });
  const query = useJobs(url.state as JobState);
  const retry = useMutation({
    mutationFn: retryJob,
    onSuccess: async () => {
      say.done(t('platform.jobs.retried'));
      await client.invalidateQueries({ queryKey: ['jobs'] });
    },
    onError: say.refused,
  });
  const jobs = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="stack">
      <div className="scroll-x">
        <Segmented
          aria-label={t('platform.jobs.state')}
          value={url.state ?? 'all'}
          onChange={(state) => setUrl({ state: state === 'all' ? undefined : String(state) })}
          options={[
            { value: 'all', label: t('ui.all') },
            ...STATES.map((state) => ({ value: state, label: t(`platform.jobs.states.${state}`) })),
          ]}
        />
      </div>
      <Panel>
        {query.isPending ? (
          <Waiting />
        ) : query.isError ? (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ) : jobs.length === 0 ? (
          <EmptyState
            small
            title={url.state ? t('ui.filteredEmpty') : t('platform.jobs.empty')}
            text={t('platform.jobs.emptyText')}
          />
        ) : (
          <ScrollX label={t('platform.jobs.title')}>
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">{t('platform.jobs.kind')}</th>
                  <th scope="col">{t('platform.jobs.state')}</th>
                  <th scope="col" className="num">
                    {t('platform.jobs.attempts')}
                  </th>
                  <th scope="col">{t('platform.jobs.created')}</th>
                  <th scope="col">{t('platform.jobs.finished')}</th>
                  <th scope="col">
                    <span className="sr-only">{t('ui.retry')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {jobs.map((job) => (
                  <tr key={job.id}>
                    <th scope="row">
                      <span title={job.kind}>
                        {t(`platform.jobs.kinds.${job.kind.replaceAll('.', '_')}`, {
                          defaultValue: job.kind,
                        })}
                      </span>
                      {job.last_error && job.state !== 'done' ? (
                        <div className="job-error">{job.last_error}</div>
                      ) : null}
                    </th>
                    <td>
                      <Tag color={COLOUR[job.state]} className="mark">
                        {t(`platform.jobs.states.${job.state}`, { defaultValue: job.state })}
                      </Tag>
                    </td>
                    <td className="num">{format.int(job.attempts)}</td>
                    <td className="nowrap">
                      <Time at={job.created_at} />
                    </td>
                    <td className="nowrap">
                      <Time at={job.finished_at} />
                    </td>
                    <td className="num">
                      {job.state === 'dead' ? (
                        <Button
                          size="small"
                          loading={retry.isPending && retry.variables === job.id}
                          onClick={() => retry.mutate(job.id)}
                        >
                          {t('ui.retry')}
                        </Button>
                      ) : null}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollX>
        )}
        {query.hasNextPage ? (
          <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t('ui.loadMore')}
          </Button>
        ) : null}
      </Panel>
    </div>
  );
}
