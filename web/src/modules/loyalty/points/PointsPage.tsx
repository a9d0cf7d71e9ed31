import { Button, Select, Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { idOf, oneOf } from '@/lib/known';
import { useMay } from '@/lib/rights';
import { useKnownUrl } from '@/ui/known';
import { usePointsProgrammes } from '@/ui/loyalty';
import { Page, Panel } from '@/ui/Page';
import { EmptyState, Loaded } from '@/ui/states';
import { type Programme, useWaiting } from './api';
import { LedgerView } from './LedgerView';
import { OwedView } from './OwedView';
import { ProgrammeEditor } from './ProgrammeEditor';
import { ProgrammesView } from './ProgrammesView';
import { WaitingView } from './WaitingView';

/** Programmes of points, the ledger, what is owed, and adjustments that wait for a second person. */
export default function PointsPage() {
  const { t } = useTranslation();
  const query = usePointsProgrammes();
  return (
    <Page title={t('loyalty.points.title')} note={t('loyalty.points.note')}>
      <Loaded query={query}>{(programmes) => <Views programmes={programmes} />}</Loaded>
    </Page>
  );
}

function Views(props: { programmes: Programme[] }) {
  const { t } = useTranslation();
  const may = useMay();
  const { programmes } = props;
  const edits = may('loyalty.points');
  const approves = may('loyalty.approve');
  const tabs = [
    'programmes',
    ...(may('loyalty.books') ? ['ledger', 'owed'] : []),
    ...(approves ? ['waiting'] : []),
  ];
  const [url, setUrl] = useKnownUrl({
    tab: oneOf(tabs),
    programme: idOf(programmes),
    edit: oneOf(edits ? ['new', ...programmes.map((one) => one.id)] : []),
  });
  const waiting = useWaiting(approves);
  if (url.edit) {
    const programme = programmes.find((one) => one.id === url.edit);
    return (
      <ProgrammeEditor
        key={url.edit}
        programme={programme}
        onClose={(made) => setUrl({ edit: undefined, programme: made ?? url.programme })}
      />
    );
  }
  if (programmes.length === 0)
    return (
      <Panel>
        <EmptyState
          title={t('loyalty.points.none')}
          text={t('loyalty.points.emptyText')}
          action={
            edits ? (
              <Button type="primary" onClick={() => setUrl({ edit: 'new' })}>
                {t('loyalty.points.make')}
              </Button>
            ) : null
          }
        />
      </Panel>
    );
  const chosen = programmes.find((one) => one.id === url.programme) ?? (programmes[0] as Programme);
  const choice =
    programmes.length > 1 ? (
      <Select
        aria-label={t('loyalty.points.programme')}
        value={chosen.id}
        onChange={(programme) => setUrl({ programme })}
        options={programmes.map((one) => ({ value: one.id, label: one.name }))}
      />
    ) : null;
  const views = {
    programmes: (
      <ProgrammesView programmes={programmes} onEdit={edits ? (edit) => setUrl({ edit }) : undefined} />
    ),
    ledger: <LedgerView programme={chosen} choice={choice} />,
    owed: <OwedView key={chosen.id} programme={chosen} choice={choice} />,
    waiting: <WaitingView query={waiting} />,
  };
  const count = waiting.data?.length;
  return (
    <Panel className="tabs-panel">
      <Tabs
        activeKey={url.tab ?? 'programmes'}
        destroyOnHidden
        onChange={(tab) =>
          setUrl({
            tab: tab === 'programmes' ? undefined : tab,
            kind: undefined,
            from: undefined,
            to: undefined,
            customer: undefined,
            order: undefined,
            at: undefined,
          })
        }
        items={tabs.map((tab) => ({
          key: tab,
          label: `${t(`loyalty.points.tab.${tab}`)}${tab === 'waiting' && count ? ` ${count}` : ''}`,
          children: views[tab as keyof typeof views],
        }))}
      />
    </Panel>
  );
}
