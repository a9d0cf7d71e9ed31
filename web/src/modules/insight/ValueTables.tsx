import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import type { LifetimeValue, ValuedCustomer, ValueFit } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { ScrollX } from '@/ui/ScrollX';
import { EmptyState } from '@/ui/states';
import { Day, Nothing } from '@/ui/values';
import { toldOf } from './warnings';

/** What speaks against believing the figures. */
export function WarningsPanel(props: { data: LifetimeValue }) {
  const { t } = useTranslation();
  const { warnings } = props.data;
  if (!warnings.length) return null;
  return (
    <Alert
      type="warning"
      showIcon
      title={t('insight.value.warnings')}
      description={
        <ul className="bullets">
          {warnings.map((one) => {
            const told = toldOf(one);
            return (
              <li key={one} lang={told ? undefined : 'en'}>
                {told ? t(`insight.value.warning.${told.key}`, told.values) : one}
              </li>
            );
          })}
        </ul>
      }
    />
  );
}

const MODELS = [
  ['bgnbd', ['r', 'alpha', 'a', 'b']],
  ['pnbd', ['r', 'alpha', 's', 'beta']],
  ['gamma_gamma', ['p', 'q', 'v']],
] as const;

/** Parameters with their standard errors; amounts are in the currency's smallest unit. */
export function ParametersPanel(props: { data: LifetimeValue }) {
  const { t } = useTranslation();
  const { lang } = useFormat();
  const { data } = props;
  const number = (value: unknown) =>
    typeof value === 'number'
      ? new Intl.NumberFormat(lang, { maximumSignificantDigits: 4 }).format(value)
      : undefined;
  return (
    <Panel title={t('insight.value.parameters')}>
      <details>
        <summary>{t('insight.value.parametersText')}</summary>
        <ScrollX label={t('insight.value.parameters')}>
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">{t('insight.value.modelName')}</th>
                <th scope="col">{t('insight.value.parameter')}</th>
                <th scope="col" className="num">
                  {t('insight.value.estimate')}
                </th>
                <th scope="col" className="num">
                  {t('insight.value.error')}
                </th>
              </tr>
            </thead>
            <tbody>
              {MODELS.flatMap(([model, names]) => {
                const fit: ValueFit | null = data[model];
                if (!fit) return [];
                const rows: [string, unknown, unknown][] = [
                  ...names.map((name): [string, unknown, unknown] => [
                    name,
                    fit[name],
                    fit.standard_errors?.[name],
                  ]),
                  [t('insight.value.likelihood'), fit.log_likelihood, undefined],
                ];
                return rows.map(([name, value, error], index) => (
                  <tr key={`${model}-${name}`}>
                    <th scope="row">{index === 0 ? t(`insight.value.models.${model}`) : null}</th>
                    <td>{index < names.length ? <code>{name}</code> : name}</td>
                    <td className="num">{number(value) ?? <Nothing />}</td>
                    <td className="num">{number(error) ?? <Nothing />}</td>
                  </tr>
                ));
              })}
            </tbody>
          </table>
        </ScrollX>
      </details>
    </Panel>
  );
}

/** A customer by name, which opens the card of whoever may see it. */
function CustomerName(props: { customer: ValuedCustomer['customer'] }) {
  const { t } = useTranslation();
  const opens = useMay()('customers.read');
  const { customer } = props;
  const name = customer.name || customer.accounts?.[0]?.value || t('insight.audience.nameless');
  return opens ? <AppLink href={`/customers/${customer.id}`}>{name}</AppLink> : name;
}

/** Those of whom most may be lost. */
export function AtRiskPanel(props: { data: LifetimeValue }) {
  const { t } = useTranslation();
  const format = useFormat();
  const opens = useMay()('customers.read');
  const { at_risk: risk, currency } = props.data;
  if (!props.data.gamma_gamma) return null;
  return (
    <Panel title={t('insight.value.risk')}>
      <p className="panel-note">{t('insight.value.riskNote')}</p>
      {risk.length === 0 ? (
        <EmptyState small title={t(opens ? 'insight.value.riskNone' : 'insight.intent.noNames')} />
      ) : (
        <PlainTable
          label={t('insight.value.risk')}
          rows={risk.map((one) => ({ ...one, id: one.customer.id }))}
          columns={[
            {
              title: t('insight.audience.customer'),
              className: 'nowrap',
              render: ({ customer }) => <CustomerName customer={customer} />,
            },
            {
              title: t('insight.value.loss'),
              right: true,
              render: (row) => format.money(row.expected_loss_minor, currency),
            },
            {
              title: t('insight.value.ifActive'),
              right: true,
              render: (row) => format.money(row.value_if_active_minor, currency),
            },
            {
              title: t('insight.value.churn'),
              right: true,
              render: (row) => format.percent(row.churn_risk, 0),
            },
            {
              title: t('insight.value.lastOrder'),
              right: true,
              render: ({ customer }) => <Day at={customer.last_order_at} />,
            },
            {
              title: t('insight.value.nextOrder'),
              right: true,
              render: (row) => row.next_order_on ?? <Nothing />,
            },
          ]}
        />
      )}
    </Panel>
  );
}

/** Those of whom most is expected. */
export function TopPanel(props: { data: LifetimeValue }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { top, currency } = props.data;
  const rows = top.map((one) => ({ ...one, id: one.customer.id }));
  return (
    <Panel title={t('insight.value.top')}>
      {rows.length === 0 ? (
        <EmptyState small title={t('insight.value.noTop')} />
      ) : (
        <PlainTable
          label={t('insight.value.top')}
          rows={rows}
          columns={[
            {
              title: t('insight.audience.customer'),
              className: 'nowrap',
              render: ({ customer }) => <CustomerName customer={customer} />,
            },
            {
              title: t('insight.value.expectedShort'),
              right: true,
              render: (row) =>
                row.expected_value_minor == null ? (
                  <Nothing />
                ) : (
                  format.money(row.expected_value_minor, currency)
                ),
            },
            {
              title: t('insight.value.bandOrders'),
              right: true,
              render: (row) => row.expected_orders.toFixed(1),
            },
            {
              title: t('insight.value.alive'),
              right: true,
              render: (row) => format.percent(row.probability_alive, 0),
            },
            {
              title: t('insight.value.nextOrder'),
              right: true,
              render: (row) => row.next_order_on ?? <Nothing />,
            },
          ]}
        />
      )}
    </Panel>
  );
}
