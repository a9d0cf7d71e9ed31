import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Facts } from '@/ui/Page';
import { PagedTable, PlainTable } from '@/ui/PlainTable';
import { useClocks } from '@/ui/shops';
import { EmptyState, Loaded } from '@/ui/states';
import { Day, Int, Nothing, Time } from '@/ui/values';
import { AdjustDialog } from './AdjustDialog';
import { type CustomerPoints, type PointsLot, useCustomerPoints, useStatement } from './api';
import { EntryDialog, lastMoment, Origin } from './EntryDialog';
import { Signed } from './Signed';

/** What a customer has in every programme, of which lots, and how it came to that. */
export function PointsPanel(props: { customer: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const query = useCustomerPoints(props.customer);
  return (
    <section className="stack" aria-label={t('loyalty.points.title')}>
      <Loaded query={query} rows={3}>
        {(all) =>
          all.length ? (
            all.map((points) => (
              <Programme
                key={points.programme}
                customer={props.customer}
                points={points}
                isOne={all.length === 1}
              />
            ))
          ) : (
            <EmptyState
              small
              title={t('loyalty.points.none')}
              text={t('loyalty.points.noneText')}
              action={
                may('loyalty.points') ? (
                  <AppLink href="/loyalty/points">{t('loyalty.points.first')}</AppLink>
                ) : null
              }
            />
          )
        }
      </Loaded>
    </section>
  );
}

function Programme(props: { customer: string; points: CustomerPoints; isOne: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const clocks = useClocks();
  const [adjusting, setAdjusting] = useState(false);
  const { points } = props;
  const { balance } = points;
  return (
    <div className="stack">
      <div className="member-head">
        <h3>
          {t('loyalty.points.title')}
          {props.isOne ? null : ` · ${points.name}`}
        </h3>
        {may('loyalty.adjust') ? (
          <Button size="small" onClick={() => setAdjusting(true)}>
            {t('loyalty.points.adjust')}
          </Button>
        ) : null}
      </div>
      <Facts
        items={[
          [
            t('loyalty.points.spendable'),
            <span key="spendable">
              <Int value={points.spendable} />{' '}
              <span className="quiet">≈ {format.money(points.spendable_minor, points.currency)}</span>
            </span>,
          ],
          [t('loyalty.points.accounts.pending'), <Int key="pending" value={balance.pending} />],
          ...(balance.reserved
            ? ([[t('loyalty.points.accounts.reserved'), <Int key="reserved" value={balance.reserved} />]] as [
                string,
                React.ReactNode,
              ][])
            : []),
          ...(balance.debt
            ? ([[t('loyalty.points.accounts.debt'), <Signed key="debt" value={balance.debt} />]] as [
                string,
                React.ReactNode,
              ][])
            : []),
        ]}
      />
      {points.lots.length ? <Lots lots={points.lots} offset={clocks()} /> : null}
      <div className="member-head">
        <h4>{t('loyalty.points.statement')}</h4>
        {may('loyalty.books') ? (
          <AppLink
            href={`/loyalty/points?tab=ledger&programme=${points.programme}&customer=${props.customer}`}
          >
            {t('loyalty.points.inLedger')}
          </AppLink>
        ) : null}
      </div>
      <Statement customer={props.customer} programme={points.programme} offset={clocks()} />
      {adjusting ? (
        <AdjustDialog customer={props.customer} points={points} onClose={() => setAdjusting(false)} />
      ) : null}
    </div>
  );
}

/** Lots that are shown before all are asked for: those that end first. */
const FEW = 5;

function Lots(props: { lots: PointsLot[]; offset: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const [all, setAll] = useState(false);
  const { lots } = props;
  return (
    <>
      <h4>{t('loyalty.points.lots')}</h4>
      <PlainTable
        label={t('loyalty.points.lots')}
        rows={all ? lots : lots.slice(0, FEW)}
        columns={[
          {
            title: t('loyalty.points.origin'),
            render: (lot) =>
              lot.order && may('commerce.read') ? (
                <AppLink href={`/orders/${lot.order}`}>{t('loyalty.points.ofOrder')}</AppLink>
              ) : (
                t(lot.order ? 'loyalty.points.ofOrder' : 'loyalty.points.ofOther')
              ),
          },
          {
            title: t('loyalty.points.left'),
            right: true,
            render: (lot) => <Int value={lot.pending + lot.available + lot.reserved} />,
          },
          {
            title: t('loyalty.points.usableFrom'),
            render: (lot) =>
              lot.pending ? (
                <Day at={lot.available_from} offset={props.offset} />
              ) : (
                <span className="quiet">{t('loyalty.points.now')}</span>
              ),
          },
          {
            title: t('loyalty.points.expires'),
            render: (lot) =>
              lot.expires_at ? (
                <Day at={lastMoment(lot.expires_at)} offset={props.offset} />
              ) : (
                <span className="quiet">{t('loyalty.points.forEver')}</span>
              ),
          },
        ]}
      />
      {!all && lots.length > FEW ? (
        <div>
          <Button size="small" onClick={() => setAll(true)}>
            {t('loyalty.points.allLots', { n: format.int(lots.length) })}
          </Button>
        </div>
      ) : null}
    </>
  );
}

function Statement(props: { customer: string; programme: string; offset: number }) {
  const { t } = useTranslation();
  const query = useStatement(props.customer, props.programme);
  const [shown, setShown] = useState<string>();
  return (
    <>
      <PagedTable
        label={t('loyalty.points.statement')}
        query={query}
        empty={{ title: t('loyalty.points.noLines') }}
        stacks
        labels
        columns={[
          {
            title: t('loyalty.points.kind'),
            render: (line) => t(`loyalty.points.kinds.${line.kind}`),
          },
          {
            title: t('loyalty.points.accounts.available'),
            right: true,
            render: (line) => <Signed value={line.available + line.debt} />,
          },
          {
            title: t('loyalty.points.accounts.pending'),
            right: true,
            render: (line) => (line.pending ? <Signed value={line.pending} /> : <Nothing />),
          },
          { title: t('loyalty.points.origin'), render: (line) => <Origin entry={line} /> },
          { title: t('loyalty.points.at'), render: (line) => <Time at={line.at} offset={props.offset} /> },
          {
            title: t('loyalty.points.detail'),
            quietTitle: true,
            right: true,
            render: (line) => (
              <Button size="small" type="link" onClick={() => setShown(line.entry)}>
                {t('loyalty.points.detail')}
              </Button>
            ),
          },
        ]}
      />
      {shown ? (
        <EntryDialog
          id={shown}
          customer={props.customer}
          offset={props.offset}
          onClose={() => setShown(undefined)}
        />
      ) : null}
    </>
  );
}
