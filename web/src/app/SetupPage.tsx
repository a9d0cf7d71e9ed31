import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { queryClient } from '@/lib/query';
import { useGo } from '@/lib/url';
import { useProblemText } from '@/ui/states';
import { Gate } from './Gate';
import { setUp } from './session';

const FIELDS = ['code', 'org_name', 'name', 'email', 'password'] as const;

export default function SetupPage() {
  const { t } = useTranslation();
  const go = useGo();
  const text = useProblemText();
  const [form] = Form.useForm();
  const [refused, setRefused] = useState<unknown>();
  const make = useMutation({
    mutationFn: setUp,
    onMutate: () => setRefused(undefined),
    onSuccess: (session) => {
      queryClient.setQueryData(['session'], session);
      go('/', true);
    },
    onError: (error) => {
      if (!placeErrors(form, error, FIELDS)) setRefused(error);
    },
  });
  const need = { required: true, message: t('app.setup.need') };
  return (
    <Gate title={t('app.setup.title')} lead={t('app.setup.lead')}>
      {refused ? <Alert type="error" showIcon title={text(refused)} /> : null}
      <Form
        form={form}
        layout="vertical"
        onFinish={(values) => make.mutate(values)}
        validateTrigger="onSubmit"
      >
        <Form.Item name="code" label={t('app.setup.code')} extra={t('app.setup.codeHelp')} rules={[need]}>
          <Input autoComplete="one-time-code" autoFocus />
        </Form.Item>
        <Form.Item name="org_name" label={t('app.setup.org')} rules={[need]}>
          <Input autoComplete="organization" maxLength={100} />
        </Form.Item>
        <Form.Item name="name" label={t('app.setup.name')} rules={[need]}>
          <Input autoComplete="name" maxLength={100} />
        </Form.Item>
        <Form.Item
          name="email"
          label={t('app.setup.email')}
          rules={[need, { type: 'email', message: t('app.setup.badEmail') }]}
        >
          <Input type="email" autoComplete="username" />
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
          {t('app.setup.submit')}
        </Button>
      </Form>
    </Gate>
  );
}
