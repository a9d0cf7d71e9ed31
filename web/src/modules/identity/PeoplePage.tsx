import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Popconfirm, Select, Tag, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Member, NewLink, Role, Team } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { usePeople } from '@/ui/people';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { Day, Nothing, Time } from '@/ui/values';
import { endSessionsOf, invite, takeBack, useInvitations, useRoles, useTeams, useTerritories } from './api';
import { HandOver } from './HandOver';
import { MemberForm } from './MemberForm';
import { OrgRules } from './OrgRules';
import { Providers } from './Providers';
import { Roles } from './Roles';
import { Teams } from './Teams';
import { Territories } from './Territories';
import { teamPath, useRoleName } from './words';

export default function PeoplePage() {
  const { t } = useTranslation();
  const may = useMay();
  const roleName = useRoleName();
  const people = usePeople();
  const roles = useRoles();
  const teams = useTeams();
  const territories = useTerritories();
  const [changing, setChanging] = useState<Member>();
  const [leaving, setLeaving] = useState<Member>();
  return (
    <div className="stack">
      <Roster
        title={t('identity.people.all')}
        query={people}
        empty={{ title: t('identity.people.empty'), text: '' }}
        columns={[
          {
            title: t('identity.account.name'),
            render: (user) => (
              <span className={user.deactivated_at ? 'quiet' : undefined}>
                {user.name} {user.deactivated_at ? <Tag>{t('identity.people.off')}</Tag> : null}
                {user.has_second_factor ? (
                  <Tag title={t('identity.factor.title')}>{t('identity.factor.short')}</Tag>
                ) : null}
              </span>
            ),
          },
          { title: t('identity.account.email'), render: (user) => user.email },
          {
            title: t('identity.account.role'),
            render: (user) => <span className="nowrap">{roleName(user.role)}</span>,
          },
          {
            title: t('identity.people.team'),
            render: (user) => (
              <span className="nowrap">{teamPath(teams.data ?? [], user.team_id) || <Nothing />}</span>
            ),
          },
          {
            title: t('identity.people.territory'),
            render: (user) => (
              <span className="nowrap">
                {territories.data?.find((one) => one.id === user.territory_id)?.name ?? <Nothing />}
              </span>
            ),
          },
          { title: t('identity.people.seen'), render: (user) => <Time at={user.last_seen_at} /> },
          {
            title: t('identity.people.change'),
            quietTitle: true,
            right: true,
            render: (user) => (
              <Button
                size="small"
                type="link"
                aria-label={`${t('identity.people.change')} ${user.name}`}
                onClick={() => setChanging(user)}
              >
                {t('identity.people.change')}
              </Button>
            ),
          },
        ]}
      />
      {changing ? (
        <MemberForm
          key={changing.id}
          member={changing}
          roles={roles.data ?? []}
          teams={teams.data ?? []}
          territories={territories.data ?? []}
          onClose={() => setChanging(undefined)}
          onHandOver={() => {
            setChanging(undefined);
            setLeaving(changing);
          }}
          endSessions={endSessionsOf}
        />
      ) : null}
      {leaving ? (
        <HandOver member={leaving} people={people.data ?? []} onClose={() => setLeaving(undefined)} />
      ) : null}
      <Panel
        title={t('identity.explain.title')}
        extra={<AppLink href="/settings/people/explain">{t('identity.explain.open')}</AppLink>}
      >
        <span className="quiet">{t('identity.explain.text')}</span>
      </Panel>
      <Invitations roles={roles.data ?? []} teams={teams.data ?? []} />
      <Teams query={teams} />
      <Territories query={territories} />
      {may('identity.settings') ? <OrgRules /> : null}
      {/* A provider says who anybody is: a thing of those who may do everything. */}
      {may('*') ? <Providers roles={roles.data ?? []} /> : null}
      <Roles query={roles} />
    </div>
  );
}

/** Whom to ask to join, and who was asked. */
function Invitations(props: { roles: Role[]; teams: Team[] }) {
  const { t } = useTranslation();
  const say = useSay();
  const roleName = useRoleName();
  const client = useQueryClient();
  const query = useInvitations();
  const [form] = Form.useForm<{ email: string; role: string; team_id?: string }>();
  const [made, setMade] = useState<NewLink>();
  const refresh = () => client.invalidateQueries({ queryKey: ['invitations'] });
  const ask = useMutation({
    mutationFn: invite,
    onSuccess: async (link) => {
      setMade(link);
      form.resetFields();
      await refresh();
    },
    onError: (error) => placeErrors(form, error, ['email', 'role', 'team_id']) || say.refused(error),
  });
  const back = useMutation({
    mutationFn: takeBack,
    onSuccess: async () => {
      setMade(undefined);
      await refresh();
    },
    onError: say.refused,
  });
  return (
    <>
      {made ? (
        <Alert
          type="success"
          showIcon
          title={t('identity.invite.made', { email: made.invitation.email })}
          description={
            <>
              <p>{t('identity.invite.once')}</p>
              <Typography.Text code copyable className="secret">
                {`${location.origin}/join#${made.secret}`}
              </Typography.Text>
            </>
          }
          closable
          onClose={() => setMade(undefined)}
        />
      ) : null}
      <Panel title={t('identity.invite.title')}>
        <Form
          form={form}
          name="invitation"
          layout="vertical"
          className="inline-form"
          onFinish={(values) => ask.mutate({ ...values, team_id: values.team_id ?? null })}
        >
          <Form.Item
            name="email"
            label={t('identity.account.email')}
            rules={[{ required: true, type: 'email', message: t('identity.invite.needEmail') }]}
          >
            <Input type="email" autoComplete="off" />
          </Form.Item>
          <Form.Item
            name="role"
            label={t('identity.account.role')}
            rules={[{ required: true, message: t('identity.invite.needRole') }]}
          >
            <Select
              showSearch={{ optionFilterProp: 'label' }}
              style={{ minWidth: 160 }}
              options={props.roles.map((role) => ({ value: role.name, label: roleName(role.name) }))}
            />
          </Form.Item>
          <Form.Item name="team_id" label={t('identity.people.team')}>
            <Select
              allowClear
              style={{ minWidth: 160 }}
              options={props.teams.map((team) => ({
                value: team.id,
                label: teamPath(props.teams, team.id),
              }))}
            />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={ask.isPending}>
            {t('identity.invite.submit')}
          </Button>
        </Form>
      </Panel>
      {query.data?.length ? (
        <Roster
          title={t('identity.invite.open')}
          query={query}
          empty={{ title: '', text: '' }}
          columns={[
            { title: t('identity.account.email'), render: (one) => one.email },
            { title: t('identity.account.role'), render: (one) => roleName(one.role) },
            { title: t('identity.invite.until'), render: (one) => <Day at={one.expires_at} /> },
            {
              title: t('identity.invite.back'),
              quietTitle: true,
              right: true,
              render: (one) => (
                <Popconfirm
                  title={t('identity.invite.backAsk', { email: one.email })}
                  okText={t('identity.invite.back')}
                  onConfirm={() => back.mutate(one.id)}
                >
                  <Button size="small" type="link" aria-label={`${t('identity.invite.back')} ${one.email}`}>
                    {t('identity.invite.back')}
                  </Button>
                </Popconfirm>
              ),
            },
          ]}
        />
      ) : null}
    </>
  );
}
