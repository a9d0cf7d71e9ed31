import { Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';

const LEAST = 3;
const MOST = 500;

/** Why something is done that is recorded with its reason; the field `reason` of the form around it. */
export function ReasonField(props: { label: string; note: string; hint?: string; autoFocus?: boolean }) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name="reason"
      label={props.label}
      extra={props.note}
      rules={[
        {
          validator: (_, value?: string) => {
            const length = [...(value ?? '').trim()].length;
            return length >= LEAST && length <= MOST
              ? Promise.resolve()
              : Promise.reject(new Error(t('ui.reveal.need', { least: LEAST, most: MOST })));
          },
        },
      ]}
    >
      <Input.TextArea
        autoFocus={props.autoFocus}
        placeholder={props.hint}
        autoSize={{ minRows: 2, maxRows: 6 }}
        maxLength={MOST}
      />
    </Form.Item>
  );
}
