import {
  ArrowDownOutlined,
  ArrowUpOutlined,
  CopyOutlined,
  DeleteOutlined,
  FolderAddOutlined,
  PlusOutlined,
} from '@ant-design/icons';
import { Button, Segmented, Select, Tooltip } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useBuilder, useChoices } from './builder';
import { ConditionInputs } from './ConditionInputs';
import {
  addAt,
  asGroup,
  type Choice,
  type Condition,
  choiceOf,
  DEPTH,
  defaultOf,
  duplicateAt,
  isComplete,
  isGroup,
  type Joint,
  moveAt,
  type Node,
  type Path,
  removeAt,
  replaceAt,
  toggleNotAt,
  turnedInto,
} from './tree';

/** The whole definition: groups in groups, one row for each condition. */
export function TreeEditor(props: { tree: Node }) {
  const root = asGroup(props.tree);
  return <GroupBox node={root} path={[]} outer={[]} level={1} />;
}

/** What is done with a part as a whole: in or out, its place, once more, away. */
function Actions(props: { path: Path; name: string; negated: boolean; count: number }) {
  const { t } = useTranslation();
  const { edit } = useBuilder();
  const { path, name, count } = props;
  const step = path.at(-1) ?? 0;
  const button = (key: string, icon: ReactNode, change: (root: Node) => Node, off = false) => (
    <Tooltip title={t(`insight.tree.${key}`)}>
      <Button
        type="text"
        size="small"
        icon={icon}
        disabled={off}
        aria-label={`${t(`insight.tree.${key}`)}: ${name}`}
        onClick={() => edit(change)}
      />
    </Tooltip>
  );
  return (
    <span className="row-actions">
      <Button
        type="text"
        size="small"
        className={props.negated ? 'not-on' : undefined}
        aria-pressed={props.negated}
        aria-label={`${t('insight.tree.not')}: ${name}`}
        onClick={() => edit((root) => toggleNotAt(root, path))}
      >
        {t('insight.tree.not')}
      </Button>
      {count > 1 ? (
        <>
          {button('up', <ArrowUpOutlined />, (root) => moveAt(root, path, -1), step === 0)}
          {button('down', <ArrowDownOutlined />, (root) => moveAt(root, path, 1), step === count - 1)}
        </>
      ) : null}
      {button('duplicate', <CopyOutlined />, (root) => duplicateAt(root, path))}
      {button('remove', <DeleteOutlined />, (root) => removeAt(root, path))}
    </span>
  );
}

function Fault(props: { path: Path; node?: Node }) {
  const { t } = useTranslation();
  const { faults, strict } = useBuilder();
  const said = faults.get(props.path.join('.'));
  const missing = props.node && strict && !isGroup(props.node) && !isComplete(props.node);
  if (!said && !missing) return null;
  return (
    <p className="bad row-fault" role="alert">
      {missing ? t('insight.tree.missing') : said}
    </p>
  );
}

function Part(props: { node: Node; path: Path; level: number; count: number }) {
  const { node, path, level, count } = props;
  // A "not" is shown by the mark of its part.
  const inner = node.kind === 'not' ? node.of : node;
  const at = node.kind === 'not' ? [...path, 0] : path;
  const negated = node.kind === 'not';
  if (isGroup(inner)) {
    const group = inner.kind === 'not' ? asGroup(inner) : inner;
    return (
      <li>
        <GroupBox
          node={group}
          path={at}
          outer={path}
          level={level + 1}
          siblings={count}
          negated={negated}
          wrapped={inner.kind === 'not'}
        />
      </li>
    );
  }
  return <ConditionRow node={inner} path={at} outer={path} count={count} negated={negated} />;
}

function ConditionRow(props: { node: Condition; path: Path; outer: Path; count: number; negated: boolean }) {
  const { t } = useTranslation();
  const { edit } = useBuilder();
  const choices = useChoices();
  const { node, path } = props;
  const choice = choiceOf(node);
  const name = t(`insight.condition.kind.${choice}`);
  const change = (next: Node) => edit((root) => replaceAt(root, path, next));
  const shown = choices.includes(choice) ? choices : [choice, ...choices];
  return (
    <li className={props.negated ? 'condition is-not' : 'condition'}>
      <div className="condition-line">
        {props.negated ? <span className="not-mark">{t('insight.tree.not')}</span> : null}
        <div className="condition-inputs">
          <Select
            aria-label={t('insight.tree.kind')}
            className="kind-field"
            popupMatchSelectWidth={false}
            listHeight={420}
            showSearch={{ optionFilterProp: 'label' }}
            value={choice}
            onChange={(next: Choice) => change(turnedInto(node, next))}
            options={shown.map((one) => ({ value: one, label: t(`insight.condition.kind.${one}`) }))}
          />
          <ConditionInputs node={node} onChange={change} />
        </div>
        <Actions path={props.outer} name={name} negated={props.negated} count={props.count} />
      </div>
      <Fault path={path} node={node} />
    </li>
  );
}

function GroupBox(props: {
  node: Joint;
  path: Path;
  /** The path of the "not" around it, if there is one. */
  outer: Path;
  level: number;
  siblings?: number;
  negated?: boolean;
  /** Shown as a group only: in the tree a single "not" stands in its place. */
  wrapped?: boolean;
}) {
  const { t } = useTranslation();
  const { edit } = useBuilder();
  const choices = useChoices();
  const { node, path, level, negated } = props;
  const root = path.length === 0;
  const add = (part: Node) => edit((tree) => addAt(tree, path, part));
  return (
    <div className={`group${root ? ' group-root' : ''}${negated ? ' is-not' : ''}`}>
      <div className="group-head">
        {negated ? <span className="not-mark">{t('insight.tree.not')}</span> : null}
        <Segmented
          size="small"
          aria-label={t('insight.tree.join')}
          disabled={props.wrapped}
          value={node.kind}
          onChange={(kind) => edit((tree) => replaceAt(tree, path, { ...node, kind: kind as 'all' | 'any' }))}
          options={(['all', 'any'] as const).map((kind) => ({
            value: kind,
            label: t(`insight.tree.${kind}`),
          }))}
        />
        {root ? null : (
          <Actions
            path={props.outer}
            name={t('insight.tree.group')}
            negated={!!negated}
            count={props.siblings ?? 1}
          />
        )}
      </div>
      {node.of.length === 0 ? (
        <p className="quiet group-empty">
          {t(node.kind === 'all' ? 'insight.tree.everyone' : 'insight.tree.nobody')}
        </p>
      ) : (
        <ul className="parts">
          {node.of.map((part, index) => (
            <Part
              key={index}
              node={part}
              path={props.wrapped ? path : [...path, index]}
              level={level}
              count={props.wrapped ? 1 : node.of.length}
            />
          ))}
        </ul>
      )}
      <Fault path={path} />
      {props.wrapped ? null : (
        <div className="buttons">
          <Button size="small" icon={<PlusOutlined />} onClick={() => add(defaultOf(choices[0] ?? 'count'))}>
            {t('insight.tree.add')}
          </Button>
          {level < DEPTH ? (
            <Button
              size="small"
              type="text"
              icon={<FolderAddOutlined />}
              onClick={() =>
                add({
                  kind: node.kind === 'all' ? 'any' : 'all',
                  of: [defaultOf('count'), defaultOf('last_order')],
                })
              }
            >
              {t('insight.tree.addGroup')}
            </Button>
          ) : null}
        </div>
      )}
    </div>
  );
}
