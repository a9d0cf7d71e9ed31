import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { useMay } from '@/lib/rights';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { Time } from '@/ui/values';
import { makeConsentText, useConsentTexts } from './consents';

interface Values {
  name: string;
  language: string;
  body: string;
}

/** The texts by which people are asked; a new wording is a new version, and none is ever changed. */
export default function ConsentTextsPage() {
  const { t } = useTranslation();
  const may = useMay();
  const say = useSay();
  const client = useQueryClient();
  const query = useConsentTexts();
  const [form] = Form.useForm<Values>();
  const make = useMutation({
    mutationFn: makeConsentText,
    onSuccess: async () => {
      form.resetFields();
      await client.invalidateQueries({ queryKey: ['consent-texts'] });
    },
    onError: (error) => placeErrors(form, error, ['name', 'language', 'body']) || say.refused(error),
  });
  const needed = [{ required: true, message: t('customers.consent.needed') }];
  return (
    <div className="stack">
      <Roster
        title={t('customers.consentTexts.all')}
        query={query}
        empty={{ title: t('customers.consentTexts.empty'), text: t('customers.consentTexts.emptyText') }}
        columns={[
          {
            title: t('customers.consentTexts.name'),
            render: (text) => (
              <details>
                <summary>
                  {t('customers.consent.textVersion', { name: text.name, n: text.version })} ({text.language})
                </summary>
                <p className="note-text">{text.body}</p>
                <p className="quiet">
                  SHA-256 <code>{text.hash.slice(0, 16)}…</code>
                </p>
              </details>
            ),
          },
          {
            title: t('customers.consentTexts.at'),
            right: true,
            render: (text) => <Time at={text.created_at} />,
          },
        ]}
      />
      {may('customers.settings') ? (
        <Panel title={t('customers.consentTexts.new')}>
          <Form<Values>
            name="consent-text"
            form={form}
            layout="vertical"
            initialValues={{ language: 'zh-CN' }}
            onFinish={(values) => make.mutate(values)}
          >
            <Form.Item
              name="name"
              label={t('customers.consentTexts.name')}
              extra={t('customers.consentTexts.nameHint')}
              rules={needed}
            >
              <Input maxLength={60} />
            </Form.Item>
            <Form.Item name="language" label={t('customers.consentTexts.language')}>
              <Select
                options={['zh-CN', 'en-US', 'zh-TW', 'ja-JP', 'ko-KR'].map((one) => ({
                  value: one,
                  label: one,
                }))}
              />
            </Form.Item>
            <Form.Item name="body" label={t('customers.consentTexts.body')} rules={needed}>
              <Input.TextArea autoSize={{ minRows: 4, maxRows: 16 }} maxLength={20000} />
            </Form.Item>
            <Button type="primary" htmlType="submit" loading={make.isPending}>
              {t('ui.create')}
            </Button>
          </Form>
        </Panel>
      ) : null}
    </div>
  );
}
