import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Form, Input } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { Awaited, Session } from '@/api/types';
import { queryClient } from '@/lib/query';
import { useGo, useUrl } from '@/lib/url';
import { useProblemText } from '@/ui/states';
import { CodeStep } from './CodeStep';
import { Gate } from './Gate';
import { beginAt, providerButtons, setupNeeded, signIn } from './session';

export default function SignInPage() {
  const { t } = useTranslation();
  const [url] = useUrl();
  const go = useGo();
  const text = useProblemText();
  const [awaited, setAwaited] = useState<Awaited>();
  const inside = (session: Session) => {
    queryClient.setQueryData(['session'], session);
    go(url.next?.startsWith('/') && !url.next.startsWith('//') ? url.next : '/', true);
  };
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: (step) => ('challenge' in step ? setAwaited(step) : inside(step)),
  });
  useEffect(() => {
    setupNeeded().then(
      (answer) => answer.needed && go('/setup', true),
      () => {},
    );
  }, [go]);
  const providers = useQuery({ queryKey: ['provider-buttons'], queryFn: providerButtons, retry: false });
  const leave = useMutation({ mutationFn: beginAt, onSuccess: (to) => location.assign(to.url) });
  const refused = enter.error ?? leave.error;
  if (awaited) {
    return (
      <CodeStep
        challenge={awaited.challenge}
        onSession={inside}
        onBack={() => {
          setAwaited(undefined);
          enter.reset();
        }}
      />
    );
  }
  return (
    <Gate title={t('app.signIn.title')} lead={t('app.signIn.lead')}>
      {url.expired && !refused ? <Alert type="info" showIcon title={t('app.signIn.expired')} /> : null}
      {refused ? (
        <Alert
          type="error"
          showIcon
          title={
            refused instanceof ProblemError && refused.status === 401 ? t('app.signIn.wrong') : text(refused)
          }
        />
      ) : null}
      <Form layout="vertical" onFinish={(values) => enter.mutate(values)} validateTrigger="onSubmit">
        <Form.Item
          name="email"
          label={t('app.signIn.email')}
          rules={[{ required: true, message: t('app.signIn.needEmail') }]}
        >
          <Input type="email" autoComplete="username" autoFocus size="large" />
        </Form.Item>
        <Form.Item
          name="password"
          label={t('app.signIn.password')}
          rules={[{ required: true, message: t('app.signIn.needPassword') }]}
        >
          <Input.Password autoComplete="current-password" size="large" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block size="large" loading={enter.isPending}>
          {t('app.signIn.submit')}
        </Button>
      </Form>
      {providers.data?.map((one) => (
        <Button
          key={one.id}
          block
          size="large"
          loading={leave.isPending}
          onClick={() => leave.mutate(one.id)}
        >
          {t('app.signIn.through', { name: one.name })}
        </Button>
      ))}
    </Gate>
  );
}
