import { Progress } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { useFormat } from '@/lib/format';

export const ACTIVE_STATES = ['queued', 'running', 'undoing'];

/** How far an import is: share, rows, rate, time left. */
export function ImportProgress(props: { import: Import; small?: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const it = props.import;
  const share = it.bytes_total > 0 ? Math.min(1, it.bytes_read / it.bytes_total) : 0;
  const facts = [
    t('ui.progress.rows', { count: it.rows_read, n: format.int(it.rows_read) }),
    it.state === 'running' && it.rows_per_second
      ? t('ui.progress.rate', {
          count: Math.round(it.rows_per_second),
          n: format.int(Math.round(it.rows_per_second)),
        })
      : undefined,
    it.state === 'running' && it.seconds_left != null
      ? t('ui.progress.left', { time: format.seconds(it.seconds_left) })
      : undefined,
  ].filter(Boolean);
  return (
    <div className="progress">
      <Progress
        percent={Math.floor(share * 100)}
        size={props.small ? 'small' : 'default'}
        status={it.state === 'failed' ? 'exception' : it.state === 'running' ? 'active' : 'normal'}
        aria-label={t('ui.progress.label', { name: it.files[0]?.name ?? it.id })}
      />
      <div className="progress-facts">{facts.join(' · ')}</div>
    </div>
  );
}
