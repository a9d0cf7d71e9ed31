import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Checkbox, Form, Input, Segmented } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { AudienceCount, AudienceView } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useRested } from '@/lib/rested';
import { useMay } from '@/lib/rights';
import { useGo } from '@/lib/url';
import { audienceHref } from '@/ui/audiences';
import { Page, Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useProblemText } from '@/ui/states';
import { changeAudience, type Definition, makeAudience, useAudienceLive, useCount } from './api';
import { BuilderContext } from './builder';
import { CountPanel, SamplePanel } from './CountPanel';
import { faultText } from './faults';
import { LeaveGuard } from './LeaveGuard';
import { LivePanel } from './LivePanel';
import { OverlapPanel } from './OverlapPanel';
import { SizesChart } from './SizesChart';
import { SqlView } from './SqlView';
import { TextEditor } from './TextEditor';
import { TreeEditor } from './TreeEditor';
import { asGroup, EVERYONE, faultOf, incompleteIn, type Node, pathOf } from './tree';
import { WhyPanel } from './WhyPanel';

type Said = { name: string; note: string };
type Shown = 'rows' | 'text' | 'sql';
const FIRST_TREE: Node = EVERYONE;
const COUNT_MS = 150;
const TEXT_MS = 450;

/** The field errors of a refusal. */
function errorsOf(error: unknown): readonly { field: string; message: string }[] {
  return error instanceof ProblemError ? (error.problem.errors ?? []) : [];
}

export interface EditorStart {
  name?: string;
  text?: string;
}

/** One audience: who belongs to it, as rows or as text, and what that comes to while one edits. */
export function AudienceEditor(props: { saved?: AudienceView; start?: EditorStart; onReload?: () => void }) {
  const { t } = useTranslation();
  const go = useGo();
  const say = useSay();
  const wrong = useProblemText();
  const client = useQueryClient();
  const may = useMay();
  const keeps = may('insight.audiences');
  const [form] = Form.useForm<Said>();
  const [saved, setSaved] = useState(props.saved);
  const [tree, setTree] = useState<Node>((saved?.tree as Node | undefined) ?? FIRST_TREE);
  // A text that was typed and is not yet, or cannot be, read; the rows show what was last understood.
  const [draft, setDraft] = useState<string | undefined>(props.start?.text);
  const [shown, setShown] = useState<Shown>('rows');
  const [asOf, setAsOf] = useState<string>();
  const [dirty, setDirty] = useState(!!props.start?.text);
  const [strict, setStrict] = useState(false);
  const [customer, setCustomer] = useState<string>();
  const [announce, setAnnounce] = useState(false);
  const live = useAudienceLive(saved?.id).data;
  const leaving = useRef(false);

  // A text stays the same question while the rows follow what was understood of it.
  const ofRows = useMemo(() => ({ tree }), [tree]);
  const ofText = useMemo(() => (draft === undefined ? undefined : { text: draft }), [draft]);
  const now: Definition = ofText ?? ofRows;
  const missing = 'tree' in now ? incompleteIn(tree) : 0;
  const restedTree = useRested(now, COUNT_MS);
  const restedText = useRested(now, TEXT_MS);
  const [hurried, setHurried] = useState<Definition>();
  const rested = 'tree' in now ? restedTree : hurried === now ? now : restedText;
  const asked = 'tree' in rested && incompleteIn(rested.tree) > 0 ? undefined : rested;
  const count = useCount(asked, asOf);
  const [answer, setAnswer] = useState<AudienceCount>();
  useEffect(() => {
    if (!count.data) return;
    setAnswer(count.data);
    // The server reads texts: what it understood is what the rows show, unless somebody has gone on with those.
    if (asked && asked === ofText) setTree(count.data.tree as unknown as Node);
  }, [count.data, asked, ofText]);

  const errors = errorsOf(count.error);
  const fault =
    'text' in rested && rested === now && count.isError
      ? faultOf(errors.find((one) => one.field === 'text')?.message ?? wrong(count.error))
      : undefined;
  const faults = useMemo(() => {
    const found = new Map<string, string>();
    for (const one of errorsOf(count.error)) {
      const path = pathOf(one.field);
      // The rows show a single condition in a group.
      if (path)
        found.set((asGroup(tree) === tree ? path : [0, ...path]).join('.'), faultText(t, one.message));
    }
    return found;
  }, [count.error, tree, t]);
  const builder = useMemo(
    () => ({
      edit: (change: (root: Node) => Node) => {
        setDraft(undefined);
        setTree((root) => change(asGroup(root)));
        setDirty(true);
      },
      faults,
      strict,
      self: saved?.id,
    }),
    [faults, strict, saved?.id],
  );
  const save = useMutation({
    mutationFn: (said: Said & { revision?: number }) => {
      const body = { name: said.name, note: said.note ?? '', definition: now };
      return saved
        ? changeAudience(saved.id, said.revision ?? saved.revision, { ...body, announce })
        : makeAudience(body);
    },
    onSuccess: async (view) => {
      leaving.current = true;
      setDirty(false);
      setStrict(false);
      setAnnounce(false);
      const made = !saved;
      setSaved(view);
      client.setQueryData(['audience', view.id], view);
      void client.invalidateQueries({ queryKey: ['audiences'] });
      void client.invalidateQueries({ queryKey: ['audience-overlap'] });
      say.done(t('insight.audience.kept', { name: view.name }));
      if (made) go(`/insight/audiences/${view.id}`, true);
      else leaving.current = false;
    },
    onError: (error) => {
      if (error instanceof ProblemError && error.kind === 'audience_changed') return;
      if (errorsOf(error).every((one) => one.field === 'text' || one.field.startsWith('tree')))
        say.refused(error);
      else if (!placeErrors(form, error, ['name', 'note'], (message) => faultText(t, message)))
        say.refused(error);
    },
  });
  const changed = save.error instanceof ProblemError && save.error.kind === 'audience_changed';
  const submit = async (revision?: number) => {
    setStrict(true);
    const said = await form.validateFields().catch(() => undefined);
    if (missing) say.wrong(t('insight.audience.fillFirst', { count: missing, n: missing }));
    else if (fault) say.wrong(t('insight.audience.textFirst'));
    else if (said) save.mutate({ ...said, revision });
  };
  const overwrite = async () => {
    const detail = save.error instanceof ProblemError ? (save.error.problem.detail ?? '') : '';
    const revision = /version (\d+)/.exec(detail)?.[1];
    await submit(revision ? Number(revision) : undefined);
  };

  // Whom the panels beside name can be asked about by name.
  const known = useMemo(() => {
    const all = [...(answer?.sample ?? []), ...(live?.recent ?? []).map((one) => one.customer)];
    return [...new Map(all.map((one) => [one.id, one])).values()];
  }, [answer, live]);
  const ask = (id: string) => {
    setCustomer(id);
    document.getElementById('why')?.scrollIntoView({ block: 'center' });
  };

  const redefined = draft !== undefined || JSON.stringify(tree) !== JSON.stringify(saved?.tree);

  // A list is of what is kept, and of today.
  const isListed = saved && !dirty && !asOf && may('customers.read');
  const listed = isListed ? audienceHref(saved.id) : undefined;
  const title = saved?.name ?? t('insight.audience.new');
  const note = missing
    ? t('insight.audience.notCounted', { count: missing, n: missing })
    : fault
      ? t(answer ? 'insight.audience.beforeFault' : 'insight.audience.unread')
      : count.isError
        ? wrong(count.error)
        : undefined;
  return (
    <Page
      title={title}
      note={dirty && keeps ? t('insight.audience.unsaved') : undefined}
      actions={
        keeps ? (
          <Button type="primary" loading={save.isPending} onClick={() => void submit()}>
            {t('ui.save')}
          </Button>
        ) : null
      }
    >
      <LeaveGuard on={dirty && keeps} passing={leaving} />
      {changed ? (
        <Alert
          type="warning"
          showIcon
          title={t('insight.audience.changed')}
          description={t('insight.audience.changedText')}
          action={
            <div className="buttons">
              <Button size="small" onClick={props.onReload}>
                {t('insight.audience.theirs')}
              </Button>
              <Button size="small" danger onClick={() => void overwrite()}>
                {t('insight.audience.mine')}
              </Button>
            </div>
          }
        />
      ) : null}
      {keeps ? null : <Alert type="info" showIcon title={t('insight.audience.tryOnly')} />}
      <div className="grid-audience">
        <div className="stack">
          {keeps ? (
            <Panel>
              <Form
                form={form}
                layout="vertical"
                className="audience-form"
                initialValues={{ name: saved?.name ?? props.start?.name ?? '', note: saved?.note ?? '' }}
                onValuesChange={() => setDirty(true)}
                onFinish={() => void submit()}
              >
                <Form.Item
                  name="name"
                  label={t('insight.audience.name')}
                  rules={[{ required: true, whitespace: true, message: t('insight.audience.needName') }]}
                >
                  <Input maxLength={60} />
                </Form.Item>
                <Form.Item name="note" label={t('insight.audience.note')}>
                  <Input maxLength={500} placeholder={t('insight.audience.noteHint')} />
                </Form.Item>
              </Form>
              {live?.live && dirty && redefined ? (
                <Checkbox
                  className="announce"
                  checked={announce}
                  onChange={(event) => setAnnounce(event.target.checked)}
                >
                  {t('insight.live.announce')}
                  <span className="quiet"> {t('insight.live.announceNote')}</span>
                </Checkbox>
              ) : null}
            </Panel>
          ) : null}
          <Panel
            title={t('insight.audience.who')}
            extra={
              <Segmented
                size="small"
                aria-label={t('insight.audience.form')}
                value={shown}
                onChange={setShown}
                options={[
                  { value: 'rows', label: t('insight.audience.rows') },
                  { value: 'text', label: t('insight.audience.textForm') },
                  { value: 'sql', label: 'SQL' },
                ]}
              />
            }
          >
            {shown === 'sql' ? <SqlView answer={answer} note={note} /> : null}
            {shown === 'text' ? (
              <TextEditor
                value={draft ?? answer?.text ?? saved?.text ?? ''}
                behind={missing > 0}
                fault={fault}
                onChange={(text) => {
                  setDraft(text);
                  setDirty(true);
                }}
                onRest={() => setHurried(now)}
              />
            ) : null}
            {shown === 'rows' ? (
              <BuilderContext value={builder}>
                {fault ? (
                  <Alert
                    type="warning"
                    showIcon
                    className="draft-misfit"
                    title={t('insight.audience.lastRead')}
                    action={
                      <Button size="small" onClick={() => setShown('text')}>
                        {t('insight.audience.toText')}
                      </Button>
                    }
                  />
                ) : null}
                <TreeEditor tree={tree} />
              </BuilderContext>
            ) : null}
          </Panel>
          <WhyPanel
            definition={asked}
            asOf={asOf}
            sample={known}
            customer={customer}
            onCustomer={setCustomer}
          />
          {saved ? <LivePanel id={saved.id} onWhy={ask} /> : null}
          {saved && saved.sizes.length > 1 ? <SizesChart sizes={saved.sizes} /> : null}
          {saved ? <OverlapPanel id={saved.id} unsaved={dirty} /> : null}
        </div>
        <div className="stack audience-side">
          <CountPanel answer={answer} note={note} listed={listed} asOf={asOf} onAsOf={setAsOf} />
          {answer ? <SamplePanel answer={answer} onWhy={ask} /> : null}
        </div>
      </div>
    </Page>
  );
}
