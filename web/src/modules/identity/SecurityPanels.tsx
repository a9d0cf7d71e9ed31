import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { Time } from '@/ui/values';
import { endOtherSessions, endSession, putPassword, useSessions } from './api';
import { browserOf } from './browser';

/** Where one is signed in, with an end to it. */
export function SessionsPanel() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const query = useSessions();
  const refresh = () => client.invalidateQueries({ queryKey: ['sessions'] });
  const end = useMutation({ mutationFn: endSession, onSuccess: refresh, onError: say.refused });
  const endAll = useMutation({ mutationFn: endOtherSessions, onSuccess: refresh, onError: say.refused });
  const others = query.data?.some((one) => !one.is_current);
  return (
    <>
      <Roster
        title={t('identity.sessions.title')}
        query={query}
        empty={{ title: t('identity.sessions.empty'), text: '' }}
        columns={[
          {
            title: t('identity.sessions.where'),
            render: (one) => (
              <>
                {browserOf(one.agent) ?? t('identity.sessions.unknown')}{' '}
                {one.is_current ? <Tag color="green">{t('identity.sessions.here')}</Tag> : null}
              </>
            ),
          },
          { title: t('identity.sessions.since'), render: (one) => <Time at={one.created_at} /> },
          { title: t('identity.sessions.seen'), render: (one) => <Time at={one.last_seen_at} /> },
          {
            title: t('identity.sessions.end'),
            quietTitle: true,
            right: true,
            render: (one) =>
              one.is_current ? null : (
                <Button size="small" type="link" onClick={() => end.mutate(one.id)}>
                  {t('identity.sessions.end')}
                </Button>
              ),
          },
        ]}
      />
      {others ? (
        <div className="buttons">
          <Button loading={endAll.isPending} onClick={() => endAll.mutate()}>
            {t('identity.sessions.endOthers')}
          </Button>
        </div>
      ) : null}
    </>
  );
}

/** One's own new password. */
export function PasswordPanel() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ present: string; new: string }>();
  const change = useMutation({
    mutationFn: putPassword,
    onSuccess: async () => {
      form.resetFields();
      say.done(t('identity.password.done'));
      await client.invalidateQueries({ queryKey: ['sessions'] });
    },
    onError: (error) => placeErrors(form, error, ['present', 'new']) || say.refused(error),
  });
  const need = { required: true, message: t('identity.password.need') };
  return (
    <Panel title={t('identity.password.title')}>
      <Form
        form={form}
        name="password"
        layout="vertical"
        className="inline-form"
        onFinish={(values) => change.mutate(values)}
        validateTrigger="onSubmit"
      >
        <Form.Item name="present" label={t('identity.password.present')} rules={[need]}>
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        <Form.Item
          name="new"
          label={t('identity.password.new')}
          rules={[need, { min: 10, message: t('identity.password.short') }]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={change.isPending}>
          {t('identity.password.submit')}
        </Button>
      </Form>
      <p className="quiet">{t('identity.password.note')}</p>
    </Panel>
  );
}
