import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Space, Tag, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NewSecret, SecondFactor } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { Loaded } from '@/ui/states';
import { Day } from '@/ui/values';
import {
  beginSecondFactor,
  confirmSecondFactor,
  endSecondFactor,
  renewRecoveryCodes,
  useSecondFactor,
} from './api';

/** The second factor of one's own account. */
export function SecondFactorPanel() {
  const { t } = useTranslation();
  return (
    <Panel title={t('identity.factor.title')}>
      <SecondFactorSetUp />
    </Panel>
  );
}

/** How it stands, and what can be done about it. `onReady` hears when it is on and the codes are kept. */
export function SecondFactorSetUp(props: { onReady?: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const query = useSecondFactor();
  const [secret, setSecret] = useState<NewSecret>();
  const [codes, setCodes] = useState<string[]>();
  const refresh = () =>
    Promise.all(['second-factor', 'sessions'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  const kept = () => {
    setCodes(undefined);
    props.onReady?.();
  };
  if (codes) return <Codes codes={codes} onKept={kept} />;
  return (
    <Loaded query={query} rows={2}>
      {(state) =>
        secret ? (
          <Confirm
            secret={secret}
            onCancel={() => setSecret(undefined)}
            onCodes={async (made) => {
              setSecret(undefined);
              setCodes(made);
              await refresh();
            }}
          />
        ) : state.on_since ? (
          <On state={state} onCodes={setCodes} refresh={refresh} />
        ) : (
          <>
            <p>{t(state.required ? 'identity.factor.required' : 'identity.factor.why')}</p>
            <Begin hasPassword={state.has_password} onSecret={setSecret} />
          </>
        )
      }
    </Loaded>
  );
}

function Begin(props: { hasPassword: boolean; onSecret: (secret: NewSecret) => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const [form] = Form.useForm<{ password?: string }>();
  const begin = useMutation({
    mutationFn: beginSecondFactor,
    onSuccess: props.onSecret,
    onError: (error) => placeErrors(form, error, ['password']) || say.refused(error),
  });
  return (
    <Form
      form={form}
      name="second-factor"
      layout="vertical"
      className="inline-form"
      onFinish={(values) => begin.mutate(values.password)}
      validateTrigger="onSubmit"
    >
      {props.hasPassword ? <Password /> : null}
      <Button type="primary" htmlType="submit" loading={begin.isPending}>
        {t('identity.factor.begin')}
      </Button>
    </Form>
  );
}

function Confirm(props: {
  secret: NewSecret;
  onCancel: () => void;
  onCodes: (codes: string[]) => Promise<void>;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const [form] = Form.useForm<{ code: string }>();
  const confirm = useMutation({
    mutationFn: confirmSecondFactor,
    onSuccess: (made) => props.onCodes(made.recovery_codes),
    onError: (error) => placeErrors(form, error, ['code']) || say.refused(error),
  });
  return (
    <div className="stack">
      <p>{t('identity.factor.scan')}</p>
      <img
        className="qr"
        alt={t('identity.factor.picture')}
        width={200}
        height={200}
        src={`data:image/svg+xml,${encodeURIComponent(props.secret.qr_svg)}`}
      />
      <p className="quiet">
        {t('identity.factor.typed')}{' '}
        <Typography.Text code copyable className="secret">
          {props.secret.secret}
        </Typography.Text>
      </p>
      <Form
        form={form}
        name="second-factor-code"
        layout="vertical"
        className="inline-form"
        onFinish={(values) => confirm.mutate(values.code)}
        validateTrigger="onSubmit"
      >
        <Code label={t('identity.factor.firstCode')} />
        <Space>
          <Button type="primary" htmlType="submit" loading={confirm.isPending}>
            {t('identity.factor.confirm')}
          </Button>
          <Button onClick={props.onCancel}>{t('ui.cancel')}</Button>
        </Space>
      </Form>
    </div>
  );
}

function Codes(props: { codes: string[]; onKept: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="stack">
      <Alert type="success" showIcon title={t('identity.factor.codesTitle')} />
      <p>{t('identity.factor.codesText')}</p>
      <ol className="recovery-codes">
        {props.codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div className="buttons">
        <Typography.Text copyable={{ text: props.codes.join('\n') }}>
          {t('identity.factor.copyAll')}
        </Typography.Text>
        <Button type="primary" onClick={props.onKept}>
          {t('identity.factor.kept')}
        </Button>
      </div>
    </div>
  );
}

function On(props: {
  state: SecondFactor;
  onCodes: (codes: string[]) => void;
  refresh: () => Promise<unknown>;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const [doing, setDoing] = useState<'codes' | 'off'>();
  const [form] = Form.useForm<{ password?: string; code: string }>();
  const { state } = props;
  const act = useMutation({
    mutationFn: async (body: { password?: string; code: string }) => {
      if (doing === 'off') await endSecondFactor(body);
      return doing === 'off' ? undefined : (await renewRecoveryCodes(body)).recovery_codes;
    },
    onSuccess: async (codes) => {
      setDoing(undefined);
      if (codes) props.onCodes(codes);
      else say.done(t('identity.factor.offDone'));
      await props.refresh();
    },
    onError: (error) => placeErrors(form, error, ['password', 'code']) || say.refused(error),
  });
  return (
    <div className="stack">
      <p>
        <Tag color="green">{t('identity.factor.on')}</Tag> {t('identity.factor.since')}{' '}
        <Day at={state.on_since} /> · {t('identity.factor.left', { count: state.recovery_codes_left })}
      </p>
      {doing ? (
        <Form
          form={form}
          name="second-factor-both"
          layout="vertical"
          className="inline-form"
          onFinish={(values) => act.mutate(values)}
          validateTrigger="onSubmit"
        >
          {state.has_password ? <Password /> : null}
          <Code label={t('identity.factor.anyCode')} />
          <Space>
            <Button type="primary" danger={doing === 'off'} htmlType="submit" loading={act.isPending}>
              {t(doing === 'off' ? 'identity.factor.off' : 'identity.factor.renew')}
            </Button>
            <Button onClick={() => setDoing(undefined)}>{t('ui.cancel')}</Button>
          </Space>
        </Form>
      ) : (
        <div className="buttons">
          <Button onClick={() => setDoing('codes')}>{t('identity.factor.renew')}</Button>
          <Button danger onClick={() => setDoing('off')}>
            {t('identity.factor.off')}
          </Button>
        </div>
      )}
    </div>
  );
}

function Password() {
  const { t } = useTranslation();
  return (
    <Form.Item
      name="password"
      label={t('identity.password.present')}
      rules={[{ required: true, message: t('identity.password.need') }]}
    >
      <Input.Password autoComplete="current-password" />
    </Form.Item>
  );
}

function Code(props: { label: string }) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name="code"
      label={props.label}
      rules={[{ required: true, message: t('identity.password.need') }]}
    >
      <Input autoComplete="one-time-code" maxLength={20} autoFocus />
    </Form.Item>
  );
}
