import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Checkbox, Form, Input, InputNumber, Radio, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import type { KindName, Values } from './terms';
import { SCOPED } from './terms';

type Path = string | (string | number)[];

/** An amount in the unit of the currency. */
export function MoneyItem(props: {
  name: Path;
  label: string;
  currency: string;
  required?: boolean;
  hint?: string;
}) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={props.name as never}
      label={props.label}
      extra={props.hint}
      rules={props.required ? [{ required: true, message: t('loyalty.promotions.need') }] : undefined}
    >
      <InputNumber min={0} precision={2} suffix={props.currency} style={{ width: 170 }} />
    </Form.Item>
  );
}

/** A number of pieces, sets or times. */
export function CountItem(props: {
  name: Path;
  label: string;
  min?: number;
  required?: boolean;
  hint?: string;
}) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={props.name as never}
      label={props.label}
      extra={props.hint}
      rules={props.required ? [{ required: true, message: t('loyalty.promotions.need') }] : undefined}
    >
      <InputNumber min={props.min ?? 1} precision={0} style={{ width: 130 }} />
    </Form.Item>
  );
}

/** What is paid, in per cent: 85 is 15 % off. */
function RateItem(props: { name?: Path; min?: number }) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={(props.name ?? 'pay') as never}
      label={t('loyalty.promotions.field.pay')}
      extra={t('loyalty.promotions.field.payHint')}
      rules={[{ required: true, message: t('loyalty.promotions.need') }]}
    >
      <InputNumber min={props.min ?? 0.01} max={99.99} precision={2} suffix="%" style={{ width: 150 }} />
    </Form.Item>
  );
}

function Repeat() {
  const { t } = useTranslation();
  return (
    <Form.Item name="repeat" valuePropName="checked" label=" " colon={false}>
      <Checkbox>{t('loyalty.promotions.field.repeat')}</Checkbox>
    </Form.Item>
  );
}

function Steps(props: { currency: string }) {
  const { t } = useTranslation();
  const by = Form.useWatch<Values['by']>('by');
  const off = Form.useWatch<Values['stepOff']>('stepOff');
  const radio = (name: 'by' | 'stepOff', all: readonly string[]) => (
    <Form.Item name={name} label={t(`loyalty.promotions.field.${name}`)}>
      <Radio.Group options={all.map((one) => ({ value: one, label: t(`loyalty.promotions.step.${one}`) }))} />
    </Form.Item>
  );
  return (
    <>
      <div className="form-row">
        {radio('by', ['amount', 'pieces'])}
        {radio('stepOff', ['amount', 'rate'])}
      </div>
      <Form.List name="steps">
        {(fields, { add, remove }) => (
          <>
            {fields.map((field) => (
              <div key={field.key} className="form-row">
                {by === 'pieces' ? (
                  <CountItem
                    name={[field.name, 'from']}
                    label={t('loyalty.promotions.field.fromPieces')}
                    required
                  />
                ) : (
                  <MoneyItem
                    name={[field.name, 'from']}
                    label={t('loyalty.promotions.field.threshold')}
                    currency={props.currency}
                    required
                  />
                )}
                {off === 'rate' ? (
                  <RateItem name={[field.name, 'off']} />
                ) : (
                  <MoneyItem
                    name={[field.name, 'off']}
                    label={t('loyalty.promotions.field.off')}
                    currency={props.currency}
                    required
                  />
                )}
                {fields.length > 1 ? (
                  <Button
                    className="promotion-row-end"
                    icon={<DeleteOutlined />}
                    aria-label={t('loyalty.promotions.removeStep')}
                    onClick={() => remove(field.name)}
                  />
                ) : null}
              </div>
            ))}
            <Button icon={<PlusOutlined />} onClick={() => add({})}>
              {t('loyalty.promotions.addStep')}
            </Button>
          </>
        )}
      </Form.List>
    </>
  );
}

function Gifts(props: { currency: string }) {
  const { t } = useTranslation();
  return (
    <Form.List name="gifts">
      {(fields, { add, remove }) => (
        <>
          {fields.map((field) => (
            <div key={field.key} className="form-row">
              <Form.Item
                name={[field.name, 'product']}
                label={t('loyalty.promotions.field.product')}
                rules={[{ required: true, message: t('loyalty.promotions.need') }]}
              >
                <Input maxLength={200} />
              </Form.Item>
              <CountItem
                name={[field.name, 'quantity']}
                label={t('loyalty.promotions.field.quantity')}
                required
              />
              <MoneyItem
                name={[field.name, 'value']}
                label={t('loyalty.promotions.field.value')}
                currency={props.currency}
              />
              {fields.length > 1 ? (
                <Button
                  className="promotion-row-end"
                  icon={<DeleteOutlined />}
                  aria-label={t('loyalty.promotions.removeGift')}
                  onClick={() => remove(field.name)}
                />
              ) : null}
            </div>
          ))}
          <Button icon={<PlusOutlined />} onClick={() => add({ quantity: 1 })}>
            {t('loyalty.promotions.addGift')}
          </Button>
        </>
      )}
    </Form.List>
  );
}

/** The fields of one kind of promotion. */
export function KindFields(props: { kind: KindName; currency: string }) {
  const { t } = useTranslation();
  const { kind, currency } = props;
  const price = Form.useWatch<Values['price']>('price');
  const money = (name: string, key: string, required = false, hint?: string) => (
    <MoneyItem
      name={name}
      label={t(`loyalty.promotions.field.${key}`)}
      currency={currency}
      required={required}
      hint={hint}
    />
  );
  const count = (name: string, key: string, required = false, min = 1) => (
    <CountItem name={name} label={t(`loyalty.promotions.field.${key}`)} required={required} min={min} />
  );
  const cap = money('cap', 'cap', false);
  const scope = SCOPED.includes(kind) ? (
    <Form.Item name="scope" label={t('loyalty.promotions.field.scope')}>
      <Radio.Group
        options={['order', 'item'].map((one) => ({
          value: one,
          label: t(`loyalty.promotions.scope.${one}`),
        }))}
      />
    </Form.Item>
  ) : null;
  return (
    <>
      <p className="quiet promotion-note">{t(`loyalty.promotions.kindNote.${kind}`)}</p>
      {kind === 'amount_off' ? (
        <div className="form-row">
          {money('threshold', 'threshold', true)}
          {money('off', 'off', true)}
          {cap}
          <Repeat />
        </div>
      ) : null}
      {kind === 'tiered' ? (
        <Space orientation="vertical" size={8} className="promotion-steps">
          <Steps currency={currency} />
          {cap}
        </Space>
      ) : null}
      {kind === 'percent_off' ? (
        <div className="form-row">
          <RateItem />
          {cap}
        </div>
      ) : null}
      {kind === 'timed_discount' ? (
        <div className="form-row">
          <Form.Item name="price" label={t('loyalty.promotions.field.price')}>
            <Radio.Group
              options={['rate', 'less', 'fixed'].map((one) => ({
                value: one,
                label: t(`loyalty.promotions.price.${one}`),
              }))}
            />
          </Form.Item>
          {price === 'rate' ? <RateItem /> : money('amount', price === 'less' ? 'off' : 'unitPrice', true)}
        </div>
      ) : null}
      {kind === 'flash_sale' ? (
        <div className="form-row">
          {money('amount', 'unitPrice', true)}
          {count('pieces', 'piecesPerOrder')}
        </div>
      ) : null}
      {kind === 'free_shipping' ? <div className="form-row">{cap}</div> : null}
      {kind === 'gift' ? (
        <>
          <div className="form-row">
            {money('threshold', 'threshold', true)}
            {count('pieces', 'times')}
            <Repeat />
          </div>
          <Gifts currency={currency} />
        </>
      ) : null}
      {kind === 'n_for_price' ? (
        <div className="form-row">
          {count('pieces', 'piecesOfSet', true, 2)}
          {money('amount', 'setPrice', true)}
          {count('free', 'sets')}
        </div>
      ) : null}
      {kind === 'buy_n_pay_m' ? (
        <div className="form-row">
          {count('pieces', 'buy', true, 2)}
          {count('free', 'payFor', true)}
        </div>
      ) : null}
      {kind === 'nth_piece' ? (
        <div className="form-row">
          {count('pieces', 'every', true, 2)}
          <RateItem min={0} />
        </div>
      ) : null}
      {scope}
    </>
  );
}
