import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Popconfirm, Select, Tag } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { TagCount } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { TAG_COLOURS } from '@/lib/words';
import { deleteTag, makeTag, underWay, useTagRules } from '@/modules/customers/api';
import { RulesPanel } from '@/modules/customers/RulesPanel';
import { AppLink } from '@/ui/Link';
import { TagMark } from '@/ui/marks';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { useTags } from '@/ui/tags';
import { TagRuleDialog } from './TagRuleDialog';
import { TagRuleLine } from './TagRuleLine';

export default function TagsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const may = useMay();
  const manages = may('customers.tags');
  const query = useTags();
  const rules = useTagRules();
  const [editing, setEditing] = useState<TagCount>();
  const ruleOf = (tag: TagCount) => rules.data?.find((rule) => rule.tag === tag.id);
  const moving = rules.data?.some(underWay);
  // How many have a tag changes until its rule has reached everybody.
  useEffect(() => {
    if (moving === false) void client.invalidateQueries({ queryKey: ['tags'] });
  }, [moving, client]);
  const [form] = Form.useForm<{ name: string; colour: string }>();
  const refresh = () => client.invalidateQueries({ queryKey: ['tags'] });
  const make = useMutation({
    mutationFn: makeTag,
    onSuccess: async () => {
      form.resetFields();
      await refresh();
    },
    onError: (error) => placeErrors(form, error, ['name', 'colour']) || say.refused(error),
  });
  const remove = useMutation({
    mutationFn: deleteTag,
    onSuccess: async () => {
      await refresh();
      await client.invalidateQueries({ queryKey: ['customers'] });
    },
    onError: say.refused,
  });
  return (
    <div className="stack">
      <Roster
        title={t('customers.tags.all')}
        stacks
        query={query}
        empty={{ title: t('customers.tags.empty'), text: t('customers.tags.emptyText') }}
        columns={[
          {
            title: t('customers.tags.name'),
            render: (tag) => <TagMark tag={tag} />,
          },
          {
            title: t('customers.tags.how'),
            render: (tag) => <TagRuleLine tag={tag} rule={ruleOf(tag)} />,
          },
          {
            title: t('customers.title'),
            right: true,
            render: (tag) => <AppLink href={`/customers?tag=${tag.id}`}>{format.int(tag.customers)}</AppLink>,
          },
          {
            title: t('customers.tags.acts'),
            quietTitle: true,
            right: true,
            render: (tag) =>
              manages ? (
                <>
                  {may('insight.read') ? (
                    <Button
                      size="small"
                      type="link"
                      aria-label={`${t('customers.tags.edit')} ${tag.name}`}
                      onClick={() => setEditing(tag)}
                    >
                      {t('customers.tags.edit')}
                    </Button>
                  ) : null}
                  <Popconfirm
                    title={t('customers.tags.deleteAsk', { name: tag.name })}
                    description={t('customers.tags.deleteText', {
                      count: tag.customers,
                      n: format.int(tag.customers),
                    })}
                    okText={t('ui.delete')}
                    onConfirm={() => remove.mutate(tag.id)}
                  >
                    <Button size="small" type="link" aria-label={`${t('ui.delete')} ${tag.name}`}>
                      {t('ui.delete')}
                    </Button>
                  </Popconfirm>
                </>
              ) : null,
          },
        ]}
      />
      {manages ? (
        <Panel title={t('customers.tags.new')}>
          <Form
            form={form}
            layout="vertical"
            className="inline-form"
            initialValues={{ colour: 'blue' }}
            onFinish={(values) => make.mutate(values)}
          >
            <Form.Item
              name="name"
              label={t('customers.tags.name')}
              rules={[{ required: true, message: t('customers.tags.needName') }]}
            >
              <Input maxLength={40} />
            </Form.Item>
            <Form.Item name="colour" label={t('customers.tags.colour')}>
              <Select
                style={{ minWidth: 110 }}
                options={TAG_COLOURS.map((colour) => ({
                  value: colour,
                  label: (
                    <Tag color={colour === 'default' ? undefined : colour}>{t(`ui.colour.${colour}`)}</Tag>
                  ),
                }))}
              />
            </Form.Item>
            <Button type="primary" htmlType="submit" loading={make.isPending}>
              {t('ui.create')}
            </Button>
          </Form>
        </Panel>
      ) : null}
      {manages ? <RulesPanel of="tags" /> : null}
      {editing ? (
        <TagRuleDialog tag={editing} rule={ruleOf(editing)} onClose={() => setEditing(undefined)} />
      ) : null}
    </div>
  );
}
