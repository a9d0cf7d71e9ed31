import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { Page, Panel } from '@/ui/Page';
import { PagedTable } from '@/ui/PlainTable';
import { useClocks } from '@/ui/shops';
import { EmptyState } from '@/ui/states';
import { type CouponRow, type CouponState, useCoupons } from './api';
import { useSentence } from './sentence';
import { dayOf } from './terms';
import { StateMark } from './words';

const STATES = ['draft', 'live', 'stopped', 'ended'] as const;

/** For how long coupons of a kind are valid, in few words. */
function Valid(props: { row: CouponRow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const offset = useClocks()();
  const { validity } = props.row.rules;
  if (validity.type === 'days')
    return t('loyalty.coupons.list.days', { count: validity.days, n: format.int(validity.days) });
  const [from, until] = [dayOf(validity.from, offset), dayOf(validity.until, offset, true)];
  if (!from && !until) return t('loyalty.coupons.list.always');
  return <span className="nowrap">{`${from ?? '…'} – ${until ?? '…'}`}</span>;
}

/** So much of so much; without a limit only the first. */
function Of(props: { some: string; all?: string }) {
  return (
    <span className="figure nowrap">
      {props.some}
      {props.all ? <span className="quiet"> / {props.all}</span> : null}
    </span>
  );
}

function List(props: { state?: CouponState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sentence = useSentence();
  const query = useCoupons(props.state);
  const isEmpty = query.data && !query.data.pages.some((page) => page.items.length);
  if (isEmpty && !props.state)
    return (
      <EmptyState
        title={t('loyalty.coupons.empty')}
        text={t('loyalty.coupons.emptyText')}
        action={
          <AppLink className="button-link" href="/loyalty/coupons/new">
            {t('loyalty.coupons.new')}
          </AppLink>
        }
      />
    );
  return (
    <PagedTable<CouponRow>
      label={t('loyalty.coupons.title')}
      query={query}
      empty={{ title: t('loyalty.coupons.noneOfState') }}
      stacks
      labels
      columns={[
        {
          title: t('loyalty.coupons.one'),
          className: 'coupon-name',
          render: (row) => (
            <>
              <AppLink className="first-link" href={`/loyalty/coupons/${row.id}`}>
                {row.name}
              </AppLink>{' '}
              <StateMark state={row.state} />
              <div className="quiet">{sentence.what(row.rules.terms)}</div>
            </>
          ),
        },
        { title: t('loyalty.coupons.validity'), render: (row) => <Valid row={row} /> },
        {
          title: t('loyalty.coupons.claimed'),
          right: true,
          render: (row) => (
            <Of
              some={format.int(row.totals.claims)}
              all={row.rules.claims?.total == null ? undefined : format.int(row.rules.claims.total)}
            />
          ),
        },
        {
          title: t('loyalty.coupons.used'),
          right: true,
          render: (row) => (
            <Of
              some={format.int(row.totals.uses)}
              all={row.rules.uses?.total == null ? undefined : format.int(row.rules.uses.total)}
            />
          ),
        },
        {
          title: t('loyalty.coupons.spent'),
          right: true,
          render: (row) =>
            row.rules.budget_minor == null ? (
              <span className="quiet">{t('loyalty.coupons.noBudget')}</span>
            ) : (
              <Of
                some={format.moneyShort(row.totals.spent_minor, row.rules.terms.currency)}
                all={format.moneyShort(row.rules.budget_minor, row.rules.terms.currency)}
              />
            ),
        },
      ]}
    />
  );
}

/** Kinds of coupons, the newest first. */
export default function CouponsPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useKnownUrl({ state: oneOf(STATES) });
  return (
    <Page
      title={t('loyalty.coupons.title')}
      note={t('loyalty.coupons.note')}
      actions={
        <AppLink className="button-link" href="/loyalty/coupons/new">
          {t('loyalty.coupons.new')}
        </AppLink>
      }
    >
      <div className="scroll-x">
        <Segmented
          aria-label={t('loyalty.coupons.stateOf')}
          value={url.state ?? 'all'}
          onChange={(state) => setUrl({ state: state === 'all' ? undefined : String(state) })}
          options={[
            { value: 'all', label: t('ui.all') },
            ...STATES.map((state) => ({ value: state, label: t(`loyalty.coupons.state.${state}`) })),
          ]}
        />
      </div>
      <Panel>
        <List state={url.state as CouponState | undefined} />
      </Panel>
    </Page>
  );
}
