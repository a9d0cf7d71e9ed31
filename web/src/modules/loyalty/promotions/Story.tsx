import { Alert, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { PlaygroundBody, Quote, Tried } from '@/api/types';
import { useFormat } from '@/lib/format';
import { AppLink } from '@/ui/Link';
import { Facts, Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { Money } from '@/ui/values';
import { useReason } from './reasons';

type Outcome = Tried['lines'][number]['outcome'];

/** What became of a promotion on a line, or as a whole. */
function useOutcome(quote: Quote) {
  const { t } = useTranslation();
  const format = useFormat();
  const { currency } = quote.priced;
  const reason = useReason(currency, quote.names);
  const applied = (minor: number) => (
    <>
      <Tag color="green">{t('loyalty.playground.applied')}</Tag>{' '}
      {minor > 0 ? format.money(-minor, currency) : t('loyalty.playground.noMoney')}
    </>
  );
  const refused = (why: Parameters<typeof reason>[0]) => (
    <>
      <Tag>{t('loyalty.playground.refused')}</Tag> <span className="quiet">{reason(why)}</span>
    </>
  );
  return {
    applied,
    refused,
    of: (outcome: Outcome) =>
      'applied' in outcome ? applied(outcome.applied.minor) : refused(outcome.refused.reason),
  };
}

function Name(props: { id: string; quote: Quote }) {
  const name = props.quote.names[props.id] ?? props.id;
  return props.id.startsWith('pro_') ? (
    <AppLink href={`/loyalty/promotions/${props.id}`}>{name}</AppLink>
  ) : (
    <span>{name}</span>
  );
}

function LineStory(props: { quote: Quote; line: Quote['priced']['lines'][number]; product: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { quote, line } = props;
  const { currency } = quote.priced;
  const outcome = useOutcome(quote);
  const rows = quote.priced.explanation.flatMap((tried, index) => {
    const own = tried.lines.find((one) => one.line === line.id);
    return own ? [{ id: `${index}`, tried, outcome: own.outcome }] : [];
  });
  const title = t('loyalty.playground.line', { product: props.product, n: format.int(line.quantity) });
  return (
    <Panel
      title={title}
      extra={
        <span className="playground-paid">
          {line.paid_minor < line.list_minor ? (
            <s className="quiet">
              <Money minor={line.list_minor} currency={currency} />
            </s>
          ) : null}{' '}
          <strong>
            <Money minor={line.paid_minor} currency={currency} />
          </strong>
        </span>
      }
    >
      {rows.length ? (
        <PlainTable
          label={title}
          rows={rows}
          stacks
          columns={[
            {
              title: t('loyalty.promotions.one'),
              render: (row) => <Name id={row.tried.promotion} quote={quote} />,
            },
            {
              title: t('loyalty.playground.stage'),
              render: (row) => (
                <span className="quiet">{t(`loyalty.playground.stages.${row.tried.stage}`)}</span>
              ),
            },
            { title: t('loyalty.playground.became'), render: (row) => outcome.of(row.outcome) },
          ]}
        />
      ) : (
        <p className="quiet">{t('loyalty.playground.nothingTried')}</p>
      )}
      {line.points_minor > 0 ? (
        <p>
          {t('loyalty.playground.byPoints')} <Money minor={-line.points_minor} currency={currency} />
        </p>
      ) : null}
    </Panel>
  );
}

/** What a cart costs, and the story of each line: every rule that was tried, applied or refused and why. */
export function Story(props: { quote: Quote; cart: PlaygroundBody['cart'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { quote } = props;
  const { priced } = quote;
  const outcome = useOutcome(quote);
  const money = (minor: number) => <Money minor={minor} currency={priced.currency} />;
  const productOf = (id: string) => props.cart.lines.find((line) => line.id === id)?.product ?? id;
  const whole = priced.explanation.flatMap((tried, index) =>
    tried.lines.length === 0 || tried.shipping_minor > 0
      ? [{ id: `${index}`, tried, reason: tried.reason }]
      : [],
  );
  return (
    <section className="stack" aria-live="polite" aria-label={t('loyalty.playground.answer')}>
      <Panel title={t('loyalty.playground.answer')}>
        <Facts
          columns
          items={[
            [t('loyalty.playground.list'), money(priced.list_minor)],
            [t('loyalty.playground.discount'), money(-priced.discount_minor)],
            ...(priced.points
              ? [
                  [
                    t('loyalty.playground.byPoints'),
                    <span key="points">
                      {money(-priced.points.minor)}{' '}
                      {t('loyalty.playground.ofPoints', { n: format.int(priced.points.points) })}
                    </span>,
                  ] as [string, React.ReactNode],
                ]
              : []),
            [t('loyalty.playground.total'), <strong key="total">{money(priced.total_minor)}</strong>],
          ]}
        />
        {priced.is_exact ? null : <Alert type="info" showIcon title={t('loyalty.playground.inexact')} />}
        {priced.gifts.length ? (
          <p>
            {t('loyalty.playground.gifts')}{' '}
            {priced.gifts
              .map((gift) =>
                t('loyalty.promotions.say.gift', { product: gift.product, n: format.int(gift.quantity) }),
              )
              .join(t('ui.comma'))}
          </p>
        ) : null}
        {quote.coupons
          .filter((one) => one.refused)
          .map((one) => (
            <Alert
              key={one.code ?? one.coupon}
              type="warning"
              showIcon
              title={t('loyalty.playground.couponRefused', {
                code: one.code ?? one.coupon ?? '',
                why: t(`loyalty.playground.coupon.${one.refused?.code}`, {
                  defaultValue: one.refused?.detail ?? '',
                }),
              })}
            />
          ))}
      </Panel>
      {priced.lines.map((line) => (
        <LineStory key={line.id} quote={quote} line={line} product={productOf(line.id)} />
      ))}
      {whole.length ? (
        <Panel title={t('loyalty.playground.whole')}>
          <PlainTable
            label={t('loyalty.playground.whole')}
            rows={whole}
            stacks
            columns={[
              {
                title: t('loyalty.promotions.one'),
                render: (row) => <Name id={row.tried.promotion} quote={quote} />,
              },
              {
                title: t('loyalty.playground.stage'),
                render: (row) => (
                  <span className="quiet">{t(`loyalty.playground.stages.${row.tried.stage}`)}</span>
                ),
              },
              {
                title: t('loyalty.playground.became'),
                render: (row) =>
                  row.reason ? outcome.refused(row.reason) : outcome.applied(row.tried.shipping_minor),
              },
            ]}
          />
        </Panel>
      ) : null}
    </section>
  );
}
