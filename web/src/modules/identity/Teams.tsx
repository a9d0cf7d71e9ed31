import { type UseQueryResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Popconfirm, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Team } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { deleteTeam, makeTeam } from './api';
import { teamPath } from './words';

/** The teams as paths, and a new one. */
export function Teams(props: { query: UseQueryResult<Team[]> }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ name: string; parent_id?: string }>();
  const refresh = () => client.invalidateQueries({ queryKey: ['teams'] });
  const make = useMutation({
    mutationFn: makeTeam,
    onSuccess: async () => {
      form.resetFields();
      await refresh();
    },
    onError: (error) => placeErrors(form, error, ['name', 'parent_id']) || say.refused(error),
  });
  const remove = useMutation({ mutationFn: deleteTeam, onSuccess: refresh, onError: say.refused });
  const teams = props.query.data ?? [];
  return (
    <>
      <Roster
        title={t('identity.teams.title')}
        query={props.query}
        empty={{ title: t('identity.teams.empty'), text: t('identity.teams.emptyText') }}
        columns={[
          { title: t('identity.teams.name'), render: (team) => teamPath(teams, team.id) },
          {
            title: t('ui.delete'),
            quietTitle: true,
            right: true,
            render: (team) => (
              <Popconfirm
                title={t('identity.teams.deleteAsk', { name: team.name })}
                okText={t('ui.delete')}
                onConfirm={() => remove.mutate(team.id)}
              >
                <Button size="small" type="link" aria-label={`${t('ui.delete')} ${team.name}`}>
                  {t('ui.delete')}
                </Button>
              </Popconfirm>
            ),
          },
        ]}
      />
      <Panel title={t('identity.teams.new')}>
        <Form
          form={form}
          name="team"
          layout="vertical"
          className="inline-form"
          onFinish={(values) => make.mutate({ name: values.name, parent_id: values.parent_id ?? null })}
        >
          <Form.Item
            name="name"
            label={t('identity.teams.name')}
            rules={[{ required: true, message: t('identity.teams.needName') }]}
          >
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item name="parent_id" label={t('identity.teams.above')}>
            <Select
              allowClear
              style={{ minWidth: 160 }}
              options={teams.map((team) => ({ value: team.id, label: teamPath(teams, team.id) }))}
            />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={make.isPending}>
            {t('ui.create')}
          </Button>
        </Form>
      </Panel>
    </>
  );
}
