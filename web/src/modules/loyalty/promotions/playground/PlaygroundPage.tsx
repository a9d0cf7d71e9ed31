import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { useMutation } from '@tanstack/react-query';
import { Button, Checkbox, Form, Input, InputNumber, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PlaygroundBody, Quote } from '@/api/types';
import { minorDigits } from '@/lib/format';
import { priceCart, useCustomerChoice, usePromotions } from '@/modules/loyalty/promotions/api';
import { MomentItem, TIERS } from '@/modules/loyalty/promotions/ConditionFields';
import { CountItem, MoneyItem } from '@/modules/loyalty/promotions/KindFields';
import { Story } from '@/modules/loyalty/promotions/Story';
import { Page, Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useShops } from '@/ui/shops';
import { EmptyState } from '@/ui/states';

interface Cart {
  shop?: string;
  lines: { product?: string; sku?: string; categories?: string[]; price?: number; quantity?: number }[];
  shipping?: number;
  customer?: string;
  codes?: string[];
  wallet?: boolean;
  points?: number;
  at?: string;
  drafts?: string[];
  assume?: boolean;
  level?: string;
  tier?: string;
  first_order?: boolean;
  birthday?: boolean;
}

function bodyOf(cart: Cart, shop: string, currency: string): PlaygroundBody {
  const scale = 10 ** minorDigits(currency);
  const minor = (major?: number) => Math.round((major ?? 0) * scale);
  return {
    shop,
    customer: cart.customer || null,
    cart: {
      currency,
      lines: cart.lines.map((line, index) => ({
        id: String(index + 1),
        product: line.product ?? '',
        sku: line.sku || null,
        categories: line.categories ?? [],
        quantity: line.quantity ?? 1,
        unit_price_minor: minor(line.price),
      })),
      shipping_minor: minor(cart.shipping),
    },
    coupons: (cart.codes ?? []).map((code) => ({ code })),
    wallet: cart.wallet ?? false,
    points: cart.points || null,
    at: cart.at ?? null,
    drafts: cart.drafts ?? [],
    assumed: cart.assume
      ? {
          level: cart.level || null,
          tier: cart.tier || null,
          audiences: [],
          first_order: cart.first_order ?? false,
          is_birthday: cart.birthday ?? false,
        }
      : null,
  };
}

function Lines(props: { currency: string }) {
  const { t } = useTranslation();
  return (
    <Form.List name="lines">
      {(fields, { add, remove }) => (
        <>
          {fields.map((field) => (
            <div key={field.key} className="form-row">
              <Form.Item
                name={[field.name, 'product']}
                label={t('loyalty.playground.product', { n: field.name + 1 })}
                rules={[{ required: true, message: t('loyalty.promotions.need') }]}
              >
                <Input maxLength={200} style={{ width: 150 }} />
              </Form.Item>
              <Form.Item name={[field.name, 'sku']} label="SKU">
                <Input maxLength={200} style={{ width: 110 }} />
              </Form.Item>
              <Form.Item name={[field.name, 'categories']} label={t('loyalty.promotions.field.categories')}>
                <Select mode="tags" open={false} suffixIcon={null} style={{ minWidth: 130 }} />
              </Form.Item>
              <MoneyItem
                name={[field.name, 'price']}
                label={t('loyalty.playground.price')}
                currency={props.currency}
                required
              />
              <CountItem
                name={[field.name, 'quantity']}
                label={t('loyalty.promotions.field.quantity')}
                required
              />
              {fields.length > 1 ? (
                <Button
                  className="promotion-row-end"
                  icon={<DeleteOutlined />}
                  aria-label={t('loyalty.playground.removeLine', { n: field.name + 1 })}
                  onClick={() => remove(field.name)}
                />
              ) : null}
            </div>
          ))}
          <Button icon={<PlusOutlined />} onClick={() => add({ quantity: 1 })}>
            {t('loyalty.playground.addLine')}
          </Button>
        </>
      )}
    </Form.List>
  );
}

function Who() {
  const { t } = useTranslation();
  const [q, setQ] = useState('');
  const { data } = useCustomerChoice(q.trim());
  const assume = Form.useWatch<boolean | undefined>('assume');
  return (
    <>
      <div className="form-row">
        <Form.Item name="customer" label={t('loyalty.playground.customer')}>
          <Select
            allowClear
            showSearch={{ filterOption: false, onSearch: setQ }}
            style={{ width: 250, maxWidth: '100%' }}
            placeholder={t('loyalty.playground.anybody')}
            notFoundContent={null}
            options={(data ?? []).map((one) => ({ value: one.id, label: one.name }))}
          />
        </Form.Item>
        <Form.Item name="codes" label={t('loyalty.playground.codes')}>
          <Select mode="tags" open={false} suffixIcon={null} style={{ minWidth: 180 }} />
        </Form.Item>
        <Form.Item name="points" label={t('loyalty.playground.points')}>
          <InputNumber min={0} precision={0} />
        </Form.Item>
      </div>
      <Form.Item name="wallet" valuePropName="checked">
        <Checkbox>{t('loyalty.playground.wallet')}</Checkbox>
      </Form.Item>
      <Form.Item name="assume" valuePropName="checked">
        <Checkbox>{t('loyalty.playground.assume')}</Checkbox>
      </Form.Item>
      {assume ? (
        <div className="form-row">
          <Form.Item name="level" label={t('loyalty.playground.level')}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="tier" label={t('loyalty.playground.tier')}>
            <Select
              allowClear
              style={{ minWidth: 150 }}
              options={TIERS.map((tier) => ({ value: tier, label: t(`ui.tier.${tier}`) }))}
            />
          </Form.Item>
          <Form.Item name="first_order" valuePropName="checked" label=" " colon={false}>
            <Checkbox>{t('loyalty.promotions.field.first_order')}</Checkbox>
          </Form.Item>
          <Form.Item name="birthday" valuePropName="checked" label=" " colon={false}>
            <Checkbox>{t('loyalty.playground.birthday')}</Checkbox>
          </Form.Item>
        </div>
      ) : null}
    </>
  );
}

/** Prices a cart that somebody makes up, and tells the story of every line. */
export default function PlaygroundPage() {
  const { t } = useTranslation();
  const say = useSay();
  const { data: shops } = useShops();
  const drafts = usePromotions('draft').data?.pages.flatMap((page) => page.items) ?? [];
  const [form] = Form.useForm<Cart>();
  const chosen = Form.useWatch<string | undefined>('shop', form);
  const shop = shops?.find((one) => one.id === chosen) ?? shops?.[0];
  const currency = shop?.currency ?? 'CNY';
  const price = useMutation({
    mutationFn: async (cart: Cart): Promise<[Quote, PlaygroundBody]> => {
      const body = bodyOf(cart, shop?.id ?? '', currency);
      return [await priceCart(body), body];
    },
    onError: say.refused,
  });
  return (
    <Page title={t('loyalty.playground.title')} note={t('loyalty.playground.note')}>
      <div className="stack">
        {shops?.length === 0 ? (
          <Panel>
            <EmptyState title={t('loyalty.playground.noShop')} text={t('loyalty.playground.noShopText')} />
          </Panel>
        ) : (
          <Form<Cart>
            form={form}
            layout="vertical"
            initialValues={{ lines: [{ product: 'tea', price: 100, quantity: 1 }] }}
            onFinish={() => price.mutate(form.getFieldsValue(true) as Cart)}
          >
            <div className="stack">
              <Panel title={t('loyalty.playground.cart')}>
                <Lines currency={currency} />
                <div className="form-row playground-more">
                  <MoneyItem name="shipping" label={t('loyalty.playground.shipping')} currency={currency} />
                  {shops && shops.length > 1 ? (
                    <Form.Item name="shop" label={t('loyalty.playground.shop')}>
                      <Select
                        style={{ minWidth: 150 }}
                        placeholder={shops[0]?.name}
                        options={shops.map((one) => ({ value: one.id, label: one.name }))}
                      />
                    </Form.Item>
                  ) : null}
                </div>
              </Panel>
              <Panel title={t('loyalty.playground.who')}>
                <Who />
              </Panel>
              <Panel title={t('loyalty.playground.when')}>
                <div className="form-row">
                  <MomentItem
                    name="at"
                    label={t('loyalty.playground.at')}
                    hint={t('loyalty.playground.atHint')}
                  />
                  {drafts.length ? (
                    <Form.Item name="drafts" label={t('loyalty.playground.drafts')}>
                      <Select
                        mode="multiple"
                        optionFilterProp="label"
                        style={{ minWidth: 220 }}
                        options={drafts.map((one) => ({ value: one.id, label: one.name }))}
                      />
                    </Form.Item>
                  ) : null}
                </div>
              </Panel>
              <div>
                <Button type="primary" htmlType="submit" loading={price.isPending} disabled={!shop}>
                  {t('loyalty.playground.go')}
                </Button>
              </div>
            </div>
          </Form>
        )}
        {price.data ? <Story quote={price.data[0]} cart={price.data[1].cart} /> : null}
      </div>
    </Page>
  );
}
