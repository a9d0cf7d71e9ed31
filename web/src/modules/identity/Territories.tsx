import { type UseQueryResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Popconfirm, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Territory } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { PROVINCES } from '@/lib/provinces';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { deleteTerritory, makeTerritory, putTerritory } from './api';

interface Values {
  name: string;
  regions: string[];
}

/** Parts of the market by province, and a new one. */
export function Territories(props: { query: UseQueryResult<Territory[]> }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<Values>();
  const [changing, setChanging] = useState<Territory>();
  const refresh = () => client.invalidateQueries({ queryKey: ['territories'] });
  const make = useMutation({
    mutationFn: makeTerritory,
    onSuccess: async () => {
      form.resetFields();
      await refresh();
    },
    onError: (error) => placeErrors(form, error, ['name', 'regions']) || say.refused(error),
  });
  const remove = useMutation({ mutationFn: deleteTerritory, onSuccess: refresh, onError: say.refused });
  return (
    <>
      <Roster
        title={t('identity.territories.title')}
        query={props.query}
        empty={{ title: t('identity.territories.empty'), text: t('identity.territories.emptyText') }}
        columns={[
          { title: t('identity.territories.name'), render: (one) => one.name },
          {
            title: t('identity.territories.regions'),
            render: (one) => <span className="rights">{one.regions.join(t('ui.comma'))}</span>,
          },
          {
            title: t('ui.edit'),
            quietTitle: true,
            right: true,
            render: (one) => (
              <span className="nowrap">
                <Button
                  size="small"
                  type="link"
                  aria-label={`${t('ui.edit')} ${one.name}`}
                  onClick={() => setChanging(one)}
                >
                  {t('ui.edit')}
                </Button>
                <Popconfirm
                  title={t('identity.territories.deleteAsk', { name: one.name })}
                  okText={t('ui.delete')}
                  onConfirm={() => remove.mutate(one.id)}
                >
                  <Button size="small" type="link" aria-label={`${t('ui.delete')} ${one.name}`}>
                    {t('ui.delete')}
                  </Button>
                </Popconfirm>
              </span>
            ),
          },
        ]}
      />
      <Panel title={t('identity.territories.new')}>
        <Form
          form={form}
          name="territory"
          layout="vertical"
          className="inline-form"
          onFinish={(values) => make.mutate(values)}
        >
          <Fields />
          <Button type="primary" htmlType="submit" loading={make.isPending}>
            {t('ui.create')}
          </Button>
        </Form>
      </Panel>
      {changing ? (
        <Change key={changing.id} territory={changing} onClose={() => setChanging(undefined)} />
      ) : null}
    </>
  );
}

function Fields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="name"
        label={t('identity.territories.name')}
        rules={[{ required: true, message: t('identity.teams.needName') }]}
      >
        <Input maxLength={100} />
      </Form.Item>
      <Form.Item
        name="regions"
        label={t('identity.territories.regions')}
        rules={[{ required: true, message: t('identity.territories.need') }]}
      >
        <Select
          mode="tags"
          style={{ minWidth: 260 }}
          tokenSeparators={[',', ' ', t('ui.comma')]}
          options={PROVINCES.map((name) => ({ value: name, label: name }))}
        />
      </Form.Item>
    </>
  );
}

function Change(props: { territory: Territory; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { territory, onClose } = props;
  const change = useMutation({
    mutationFn: (values: Values) => putTerritory(territory.id, values),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['territories'] });
      say.done(t('identity.people.saved'));
      onClose();
    },
    onError: (error) => placeErrors(form, error, ['name', 'regions']) || say.refused(error),
  });
  return (
    <Modal
      open
      title={t('identity.people.changeTitle', { name: territory.name })}
      okText={t('ui.save')}
      onOk={() => form.submit()}
      confirmLoading={change.isPending}
      onCancel={onClose}
      destroyOnHidden
    >
      <Form
        form={form}
        name="territory-change"
        layout="vertical"
        initialValues={{ name: territory.name, regions: territory.regions }}
        onFinish={(values) => change.mutate(values)}
      >
        <Fields />
      </Form>
    </Modal>
  );
}
