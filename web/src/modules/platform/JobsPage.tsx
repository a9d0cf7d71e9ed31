import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Segmented, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Job, JobState } from '@/api/types';
import { useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { useKnownUrl } from '@/ui/known';
import { Panel } from '@/ui/Page';
import { PagedTable, type PlainColumn } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
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
  const columns: PlainColumn<Job>[] = [
    {
      title: t('platform.jobs.kind'),
      render: (job) => (
        <>
          <span title={job.kind}>
            {t(`platform.jobs.kinds.${job.kind.replaceAll('.', '_')}`, { defaultValue: job.kind })}
          </span>
          {job.last_error && job.state !== 'done' ? <div className="job-error">{job.last_error}</div> : null}
        </>
      ),
    },
    {
      title: t('platform.jobs.state'),
      render: (job) => (
        <Tag color={COLOUR[job.state]} className="mark">
          {t(`platform.jobs.states.${job.state}`, { defaultValue: job.state })}
        </Tag>
      ),
    },
    { title: t('platform.jobs.attempts'), right: true, render: (job) => format.int(job.attempts) },
    { title: t('platform.jobs.created'), className: 'nowrap', render: (job) => <Time at={job.created_at} /> },
    {
      title: t('platform.jobs.finished'),
      className: 'nowrap',
      render: (job) => <Time at={job.finished_at} />,
    },
    {
      title: t('ui.retry'),
      quietTitle: true,
      right: true,
      render: (job) =>
        job.state === 'dead' ? (
          <Button
            size="small"
            loading={retry.isPending && retry.variables === job.id}
            onClick={() => retry.mutate(job.id)}
          >
            {t('ui.retry')}
          </Button>
        ) : null,
    },
  ];
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
        <PagedTable
          label={t('platform.jobs.title')}
          query={query}
          empty={{
            title: url.state ? t('ui.filteredEmpty') : t('platform.jobs.empty'),
            text: t('platform.jobs.emptyText'),
          }}
          columns={columns}
        />
      </Panel>
    </div>
  );
}
