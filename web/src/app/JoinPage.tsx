import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import { placeErrors } from '@/lib/fields';
import { queryClient } from '@/lib/query';
import { useGo } from '@/lib/url';
import { Loaded, useProblemText } from '@/ui/states';
import { Gate } from './Gate';
import { join, lookAtInvitation } from './session';

/** Whoever was asked to join makes their account. The secret stands behind `#`, which no server log sees. */
export default function JoinPage() {
  const { t } = useTranslation();
  const go = useGo();
  const text = useProblemText();
  const [form] = Form.useForm<{ name: string; password: string }>();
  const [refused, setRefused] = useState<unknown>();
  const secret = location.hash.slice(1);
  const asked = useQuery({
    queryKey: ['invitation', secret],
    queryFn: () => lookAtInvitation(secret),
    retry: false,
  });
  const make = useMutation({
    mutationFn: join,
    onMutate: () => setRefused(undefined),
    onSuccess: (session) => {
      queryClient.setQueryData(['session'], session);
      go('/', true);
    },
    onError: (error) => {
      if (!placeErrors(form, error, ['name', 'password'])) setRefused(error);
    },
  });
  const need = { required: true, message: t('app.setup.need') };
  if (asked.error instanceof ProblemError && asked.error.status === 410) {
    return (
      <Gate title={t('app.join.goneTitle')} lead={t('app.join.gone')}>
        <Button block size="large" onClick={() => go('/sign-in')}>
          {t('app.signIn.title')}
        </Button>
      </Gate>
    );
  }
  return (
    <Gate title={t('app.join.title')} lead={t('app.join.lead')}>
      {refused ? <Alert type="error" showIcon title={text(refused)} /> : null}
      <Loaded query={asked} rows={3}>
        {(invitation) => (
          <Form
            form={form}
            layout="vertical"
            onFinish={(values) => make.mutate({ secret, ...values })}
            validateTrigger="onSubmit"
          >
            <p>
              {t('app.join.asked', {
                org: invitation.org_name,
                role: t(`identity.role.${invitation.role}`, { defaultValue: invitation.role }),
              })}
            </p>
            <Form.Item label={t('app.setup.email')}>
              <Input value={invitation.email} readOnly autoComplete="username" />
            </Form.Item>
            <Form.Item name="name" label={t('app.setup.name')} rules={[need]}>
              <Input autoComplete="name" maxLength={100} autoFocus />
            </Form.Item>
            <Form.Item
              name="password"
              label={t('app.setup.password')}
              extra={t('app.setup.passwordHelp')}
              rules={[need, { min: 10, message: t('app.setup.short') }]}
            >
              <Input.Password autoComplete="new-password" />
            </Form.Item>
            <Button type="primary" htmlType="submit" block size="large" loading={make.isPending}>
              {t('app.join.submit')}
            </Button>
          </Form>
        )}
      </Loaded>
    </Gate>
  );
}
