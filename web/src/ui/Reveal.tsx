import { EyeOutlined } from '@ant-design/icons';
import { Button, Form, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { ReasonField } from './ReasonField';
import { useSay } from './say';

/**
 * Asks why somebody wants to see personal data, and hands on what is shown. The answer is kept by the page
 * only, so that it is gone when the page is left.
 */
export function Reveal<T>(props: {
  ask: (reason: string) => Promise<T>;
  onShown: (shown: T) => void;
  text: string;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [form] = Form.useForm<{ reason: string }>();
  const send = async ({ reason }: { reason: string }) => {
    setBusy(true);
    try {
      props.onShown(await props.ask(reason.trim()));
      setAsking(false);
    } catch (error) {
      if (!placeErrors(form, error, ['reason'])) say.refused(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button size="small" icon={<EyeOutlined />} onClick={() => setAsking(true)}>
        {t('ui.reveal.button')}
      </Button>
      <Modal
        open={asking}
        title={t('ui.reveal.title')}
        okText={t('ui.reveal.submit')}
        onOk={() => form.submit()}
        confirmLoading={busy}
        onCancel={() => setAsking(false)}
        destroyOnHidden
      >
        <p>{props.text}</p>
        <Form form={form} name="reveal" layout="vertical" onFinish={(values) => void send(values)}>
          <ReasonField
            label={t('ui.reveal.reason')}
            note={t('ui.reveal.recorded')}
            hint={t('ui.reveal.hint')}
            autoFocus
          />
        </Form>
      </Modal>
    </>
  );
}
