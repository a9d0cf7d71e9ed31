import { Button, Form, Input, InputNumber } from 'antd';
import { useTranslation } from 'react-i18next';
import { minorDigits, useFormat } from '@/lib/format';
import { useRested } from '@/lib/rested';
import { type Scheme, useWhatIf } from './api';
import { boundOf, type RulesForm } from './rules';

/** The levels of a scheme, from the lowest to the highest; below a bound that is changed, how many would move. */
export function LevelRows(props: { scheme?: Scheme; said?: RulesForm; currency: string }) {
  const { t } = useTranslation();
  const { scheme, said, currency } = props;
  const isAmount = (said?.measure ?? scheme?.rules.measure ?? 'amount') === 'amount';
  const unit = isAmount ? currency : t('loyalty.levels.orderUnit');
  // What would move is known of the levels that there are, as they are measured now.
  const asks =
    scheme && said?.measure === scheme.rules.measure && said.levels?.length === scheme.rules.levels.length;
  return (
    <Form.Item label={t('loyalty.levels.levels')}>
      <Form.List name={['rules', 'levels']}>
        {(rows, { add, remove }) => (
          <div className="stack">
            {rows.map((row) => {
              const n = row.name + 1;
              return (
                <div key={row.key} className="level-row">
                  <div className="form-row form-row-tight">
                    <Form.Item name={[row.name, 'name']} label={t('loyalty.levels.levelName', { n })}>
                      <Input maxLength={30} style={{ width: 150 }} />
                    </Form.Item>
                    <Form.Item name={[row.name, 'bound']} label={t('loyalty.levels.bound')}>
                      <InputNumber
                        min={0}
                        precision={isAmount ? minorDigits(currency) : 0}
                        suffix={unit}
                        style={{ width: 150 }}
                      />
                    </Form.Item>
                    <Form.Item name={[row.name, 'pay_bps']} label={t('loyalty.levels.pays')}>
                      <InputNumber min={0} max={100} precision={2} suffix="%" style={{ width: 110 }} />
                    </Form.Item>
                    <Form.Item
                      name={[row.name, 'multiplier_permille']}
                      label={t('loyalty.levels.multiplier')}
                    >
                      <InputNumber min={0} max={100} step={0.1} precision={3} style={{ width: 100 }} />
                    </Form.Item>
                    <Form.Item
                      name={[row.name, 'benefits']}
                      label={t('loyalty.levels.benefits')}
                      className="level-benefits"
                    >
                      <Input maxLength={500} />
                    </Form.Item>
                    {rows.length > 1 ? (
                      <Button
                        type="link"
                        className="level-remove"
                        aria-label={`${t('ui.delete')} ${t('loyalty.levels.levelName', { n })}`}
                        onClick={() => remove(row.name)}
                      >
                        {t('ui.delete')}
                      </Button>
                    ) : null}
                  </div>
                  {asks ? (
                    <WhatIf
                      scheme={scheme}
                      rank={n}
                      bound={boundOf(said.levels[row.name]?.bound, said.measure, currency)}
                    />
                  ) : null}
                </div>
              );
            })}
            {rows.length < 20 ? (
              <div>
                <Button
                  size="small"
                  onClick={() => add({ name: '', pay_bps: 90, multiplier_permille: 1, benefits: '' })}
                >
                  {t('loyalty.levels.addLevel')}
                </Button>
              </div>
            ) : null}
          </div>
        )}
      </Form.List>
    </Form.Item>
  );
}

/** How many would move if a level began at `bound`. */
function WhatIf(props: { scheme: Scheme; rank: number; bound: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { scheme, rank } = props;
  const bound = useRested(props.bound);
  const now = scheme.rules.levels[rank - 1]?.bound;
  const asks = bound > 0 && bound !== now;
  const query = useWhatIf(scheme.id, rank, asks ? bound : undefined);
  if (!asks || props.bound === now) return null;
  const told = query.error ? undefined : query.data;
  return (
    <p className="what-if" role="status" data-testid={`what-if-${rank}`}>
      {query.error
        ? t('loyalty.levels.whatIfRefused')
        : told
          ? told.rise
            ? t('loyalty.levels.whatIfRise', { count: told.rise, n: format.int(told.rise) })
            : told.lose
              ? t('loyalty.levels.whatIfLose', { count: told.lose, n: format.int(told.lose) })
              : t('loyalty.levels.whatIfNobody')
          : ' '}
      {told?.not_yet_measured
        ? ` ${t('loyalty.levels.whatIfStale', { count: told.not_yet_measured, n: format.int(told.not_yet_measured) })}`
        : null}
    </p>
  );
}
