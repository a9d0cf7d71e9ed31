import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { Session } from '@/api/types';
import { useProblemText } from '@/ui/states';
import { Gate } from './Gate';
import { answerChallenge } from './session';

/** The second step: a code of the app, or one of the recovery codes. */
export function CodeStep(props: {
  challenge: string;
  onSession: (session: Session) => void;
  onBack: () => void;
}) {
  const { t } = useTranslation();
  const text = useProblemText();
  const [form] = Form.useForm<{ code: string }>();
  const answer = useMutation({
    mutationFn: (code: string) => answerChallenge({ challenge: props.challenge, code }),
    onSuccess: props.onSession,
    onError: () => form.resetFields(),
  });
  const refused = answer.error;
  const kind = refused instanceof ProblemError ? refused.kind : undefined;
  const known =
    kind === 'wrong_code'
      ? t('app.signIn.wrongCode')
      : kind === 'challenge_gone'
        ? t('app.signIn.tooLate')
        : undefined;
  return (
    <Gate title={t('app.signIn.codeTitle')} lead={t('app.signIn.codeLead')}>
      {refused ? <Alert type="error" showIcon title={known ?? text(refused)} /> : null}
      <Form
        form={form}
        layout="vertical"
        onFinish={(values) => answer.mutate(values.code)}
        validateTrigger="onSubmit"
      >
        <Form.Item
          name="code"
          label={t('app.signIn.code')}
          extra={t('app.signIn.codeHelp')}
          rules={[{ required: true, message: t('app.setup.need') }]}
        >
          <Input autoComplete="one-time-code" maxLength={20} autoFocus size="large" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block size="large" loading={answer.isPending}>
          {t('app.signIn.submit')}
        </Button>
        <Button type="link" block onClick={props.onBack}>
          {t('app.signIn.back')}
        </Button>
      </Form>
    </Gate>
  );
}
