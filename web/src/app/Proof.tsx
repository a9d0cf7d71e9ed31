import { Form, Input, Modal } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { onProofNeeded } from '@/api/client';
import { placeErrors } from '@/lib/fields';
import { useSay } from '@/ui/say';
import { proveSession } from './session';

/** Asks for the password again where the server wants to know that it is still the same person. */
export default function Proof() {
  const { t } = useTranslation();
  const say = useSay();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [form] = Form.useForm<{ password: string }>();
  // All who wait; several calls may be refused at once.
  const waiting = useRef<((proven: boolean) => void)[]>([]);
  useEffect(
    () =>
      onProofNeeded(
        () =>
          new Promise((resolve) => {
            waiting.current.push(resolve);
            setAsking(true);
          }),
      ),
    [],
  );
  const end = (proven: boolean) => {
    setAsking(false);
    for (const resolve of waiting.current.splice(0)) resolve(proven);
  };
  const send = async ({ password }: { password: string }) => {
    setBusy(true);
    try {
      await proveSession(password);
      end(true);
    } catch (error) {
      if (!placeErrors(form, error, ['password'])) say.refused(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      open={asking}
      title={t('app.proof.title')}
      okText={t('app.proof.submit')}
      onOk={() => form.submit()}
      confirmLoading={busy}
      onCancel={() => end(false)}
      destroyOnHidden
    >
      <p className="dialog-text">{t('app.proof.why')}</p>
      <Form form={form} name="proof" layout="vertical" onFinish={(values) => void send(values)}>
        <Form.Item
          name="password"
          label={t('app.signIn.password')}
          rules={[{ required: true, message: t('app.signIn.needPassword') }]}
        >
          <Input.Password autoFocus autoComplete="current-password" />
        </Form.Item>
      </Form>
    </Modal>
  );
}
