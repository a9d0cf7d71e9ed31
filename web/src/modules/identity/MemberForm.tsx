import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Popconfirm, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Member, Role, Team, Territory } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useSay } from '@/ui/say';
import { changeMember, resetSecondFactor } from './api';
import { teamPath, useRoleName } from './words';

/** A user's name, role, team, and whether they can sign in. */
export function MemberForm(props: {
  member: Member;
  roles: Role[];
  teams: Team[];
  territories: Territory[];
  onClose: () => void;
  /** Asks to whom goes what they own. */
  onHandOver: () => void;
  endSessions: (id: string) => Promise<unknown>;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const roleName = useRoleName();
  const client = useQueryClient();
  const [form] = Form.useForm<{ name: string; role: string; team_id?: string; territory_id?: string }>();
  const { member } = props;
  const done = async (words: string) => {
    say.done(words);
    await client.invalidateQueries({ queryKey: ['people'] });
    props.onClose();
  };
  const change = useMutation({
    mutationFn: changeMember,
    onSuccess: async (_, said) => {
      await done(t('identity.people.saved'));
      // Whoever leaves may own customers, whom somebody has to look after.
      if (said.body.active === false) props.onHandOver();
    },
    onError: (error) =>
      placeErrors(form, error, ['name', 'role', 'team_id', 'territory_id']) || say.refused(error),
  });
  const end = useMutation({
    mutationFn: () => props.endSessions(member.id),
    onSuccess: () => done(t('identity.people.ended')),
    onError: say.refused,
  });
  const reset = useMutation({
    mutationFn: () => resetSecondFactor(member.id),
    onSuccess: () => done(t('identity.factor.resetDone')),
    onError: say.refused,
  });
  const given = props.roles;
  return (
    <Modal
      open
      title={t('identity.people.changeTitle', { name: member.name })}
      onCancel={props.onClose}
      footer={null}
      destroyOnHidden
    >
      <Form
        form={form}
        name="member"
        layout="vertical"
        initialValues={{
          name: member.name,
          role: member.role,
          team_id: member.team_id ?? undefined,
          territory_id: member.territory_id ?? undefined,
        }}
        onFinish={(values) =>
          change.mutate({
            member,
            body: {
              ...values,
              team_id: values.team_id ?? null,
              territory_id: values.territory_id ?? null,
            },
          })
        }
      >
        <Form.Item
          name="name"
          label={t('identity.account.name')}
          rules={[{ required: true, message: t('identity.people.needName') }]}
        >
          <Input maxLength={100} />
        </Form.Item>
        <Form.Item name="role" label={t('identity.account.role')} extra={t('identity.people.roleNote')}>
          <Select
            showSearch={{ optionFilterProp: 'label' }}
            options={given.map((role) => ({ value: role.name, label: roleName(role.name) }))}
          />
        </Form.Item>
        <Form.Item name="team_id" label={t('identity.people.team')}>
          <Select
            allowClear
            options={props.teams.map((team) => ({ value: team.id, label: teamPath(props.teams, team.id) }))}
          />
        </Form.Item>
        <Form.Item
          name="territory_id"
          label={t('identity.people.territory')}
          extra={t('identity.people.territoryNote')}
        >
          <Select allowClear options={props.territories.map((one) => ({ value: one.id, label: one.name }))} />
        </Form.Item>
        <div className="buttons">
          <Button type="primary" htmlType="submit" loading={change.isPending}>
            {t('ui.save')}
          </Button>
          <Button onClick={props.onHandOver}>{t('identity.handOver.open')}</Button>
          {member.deactivated_at ? (
            <Button onClick={() => change.mutate({ member, body: { active: true } })}>
              {t('identity.people.turnOn')}
            </Button>
          ) : (
            <>
              <Button loading={end.isPending} onClick={() => end.mutate()}>
                {t('identity.people.end')}
              </Button>
              {member.has_second_factor ? (
                <Popconfirm
                  title={t('identity.factor.resetAsk', { name: member.name })}
                  description={t('identity.factor.resetText')}
                  okText={t('identity.factor.reset')}
                  onConfirm={() => reset.mutate()}
                >
                  <Button loading={reset.isPending}>{t('identity.factor.reset')}</Button>
                </Popconfirm>
              ) : null}
              <Popconfirm
                title={t('identity.people.turnOffAsk', { name: member.name })}
                description={t('identity.people.turnOffText')}
                okText={t('identity.people.turnOff')}
                onConfirm={() => change.mutate({ member, body: { active: false } })}
              >
                <Button danger>{t('identity.people.turnOff')}</Button>
              </Popconfirm>
            </>
          )}
        </div>
      </Form>
    </Modal>
  );
}
