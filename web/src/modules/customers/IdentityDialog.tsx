import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Form, Input, Modal, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { CustomerCard } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useMay, useSees } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { ReasonField } from '@/ui/ReasonField';
import { useSay } from '@/ui/say';
import { useShops } from '@/ui/shops';
import {
  addIdentity,
  correctIdentity,
  fieldOf,
  type Holder,
  IDENTITY_KINDS,
  type Identity,
  type IdentityKind,
  removeIdentity,
  wrongWith,
} from './identities';

export type IdentityDeed = { do: 'add' } | { do: 'correct' | 'remove'; what: Identity };

interface Values {
  kind: IdentityKind;
  value: string;
  shop?: string;
  reason: string;
}

/** Adds, corrects or takes away one thing that a customer is known by, for a reason. */
export function IdentityDialog(props: { card: CustomerCard; deed: IdentityDeed; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const may = useMay();
  const sees = useSees();
  const client = useQueryClient();
  const shops = useShops();
  const [form] = Form.useForm<Values>();
  const [taken, setTaken] = useState<{ holder?: Holder; values: Values }>();
  const { card, deed } = props;
  // An account is on the platform of a shop, which one must see.
  const kinds = IDENTITY_KINDS.filter(
    (kind) => sees.free(fieldOf(kind)) && (kind !== 'account' || may('commerce.read')),
  );
  const watched = Form.useWatch('kind', form) ?? kinds[0];
  const kind = deed.do === 'add' ? watched : deed.what.kind;
  const send = useMutation({
    mutationFn: (values: Values & { shared?: boolean }) => {
      const reason = values.reason.trim();
      if (deed.do === 'remove') return removeIdentity(card, deed.what.id, { reason });
      const said = { value: values.value.trim(), shared: values.shared, reason };
      return deed.do === 'correct'
        ? correctIdentity(card, deed.what.id, said)
        : addIdentity(card, {
            ...said,
            kind: values.kind,
            shop: values.kind === 'account' ? values.shop : undefined,
          });
    },
    onSuccess: async (saved) => {
      client.setQueryData(['customer', card.id], saved);
      say.done(t(`customers.identity.done.${deed.do}`));
      props.onClose();
      await client.invalidateQueries({ queryKey: ['customers'] });
      await client.invalidateQueries({ queryKey: ['customer', card.id] });
    },
    onError: async (error, values) => {
      const code = error instanceof ProblemError ? error.problem.code : undefined;
      if (code === 'identity_taken' && error instanceof ProblemError) {
        setTaken({ holder: error.problem.current as Holder | undefined, values });
      } else if (code === 'identity_there') {
        form.setFields([{ name: 'value', errors: [t('customers.identity.wrong.there')] }]);
      } else if (error instanceof ProblemError && error.status === 412) {
        say.wrong(t('customers.identity.stale'));
        props.onClose();
        await client.invalidateQueries({ queryKey: ['customer', card.id] });
      } else if (!placeErrors(form, error, ['value', 'shop', 'reason'])) say.refused(error);
    },
  });
  const canShare = taken && kind !== 'account';
  return (
    <Modal
      open
      title={t(`customers.identity.${deed.do}`)}
      okText={t(canShare ? 'customers.identity.shareIt' : `customers.identity.submit.${deed.do}`)}
      okButtonProps={{ danger: deed.do === 'remove', disabled: !!taken && !canShare }}
      confirmLoading={send.isPending}
      onOk={() => (canShare ? send.mutate({ ...taken.values, shared: true }) : form.submit())}
      onCancel={props.onClose}
      destroyOnHidden
    >
      <Form<Values>
        name="identity"
        form={form}
        layout="vertical"
        initialValues={{ kind: kinds[0] }}
        onValuesChange={() => setTaken(undefined)}
        onFinish={(values) => send.mutate(values)}
      >
        {taken ? <Taken kind={kind} holder={taken.holder} /> : null}
        {deed.do === 'add' ? (
          <Form.Item name="kind" label={t('customers.identity.kind')}>
            <Select
              options={kinds.map((value) => ({ value, label: t(`customers.identity.kinds.${value}`) }))}
            />
          </Form.Item>
        ) : (
          <p className="dialog-text">
            {t(`customers.identity.kinds.${kind}`)} · <strong className="figure">{deed.what.value}</strong>
          </p>
        )}
        {deed.do === 'add' && kind === 'account' ? (
          <Form.Item
            name="shop"
            label={t('customers.identity.shop')}
            extra={t('customers.identity.shopHint')}
            rules={[{ required: true, message: t('customers.identity.wrong.shop') }]}
          >
            <Select
              showSearch={{ optionFilterProp: 'label' }}
              options={(shops.data ?? []).map((shop) => ({ value: shop.id, label: shop.name }))}
            />
          </Form.Item>
        ) : null}
        {deed.do === 'remove' ? (
          <p className="quiet">{t('customers.identity.removeText')}</p>
        ) : (
          <Form.Item
            name="value"
            label={t(deed.do === 'correct' ? 'customers.identity.right' : 'customers.identity.value')}
            extra={deed.do === 'correct' ? t('customers.identity.correctText') : undefined}
            rules={[
              {
                validator: (_, typed?: string) => {
                  const wrong = wrongWith(kind ?? 'account', typed ?? '');
                  return wrong
                    ? Promise.reject(new Error(t(`customers.identity.wrong.${wrong}`)))
                    : Promise.resolve();
                },
              },
            ]}
          >
            <Input autoFocus autoComplete="off" maxLength={254} />
          </Form.Item>
        )}
        <ReasonField label={t('customers.identity.reason')} note={t('customers.identity.recorded')} />
      </Form>
    </Modal>
  );
}

/** Who has it already, so far as one may know. */
function Taken(props: { kind?: IdentityKind; holder?: Holder }) {
  const { t } = useTranslation();
  const { holder } = props;
  return (
    <Alert
      type="warning"
      showIcon
      className="conflict"
      title={
        holder ? (
          <>
            {t('customers.identity.takenBy')}{' '}
            <AppLink href={`/customers/${holder.id}`}>{holder.name || t('customers.nameless')}</AppLink>
          </>
        ) : (
          t('customers.identity.takenUnseen')
        )
      }
      description={
        <>
          {holder ? t(`customers.identity.${holder.can_merge ? 'mergeThem' : 'askMerge'}`) : null}
          {props.kind === 'account' ? null : ` ${t('customers.identity.shareText')}`}
        </>
      }
    />
  );
}
