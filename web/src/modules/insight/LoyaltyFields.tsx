import { Select } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useLevelSchemes, usePointsProgrammes } from '@/ui/loyalty';
import { BoundsField } from './fields';
import type { Condition, Of } from './tree';

type Change = (node: Condition) => void;

/** Which of several; where there is one only, it is meant without a word. */
function Which(props: {
  label: string;
  value: string;
  known?: { id: string; name: string }[];
  onChange: (id: string) => void;
}) {
  const { t } = useTranslation();
  const { value, known = [], onChange } = props;
  const only = known.length === 1 ? known[0]?.id : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: filled in once, when it is known
  useEffect(() => {
    if (!value && only) onChange(only);
  }, [value, only]);
  if (only && (!value || value === only)) return null;
  return (
    <Select
      aria-label={props.label}
      popupMatchSelectWidth={false}
      placeholder={t('insight.condition.choose')}
      value={value || undefined}
      onChange={onChange}
      options={known.map((one) => ({ value: one.id, label: one.name }))}
    />
  );
}

/** Member levels of one scheme; 0 is none. */
export function LevelFields(props: { node: Of<'level'>; onChange: Change }) {
  const { t } = useTranslation();
  const { node, onChange } = props;
  const schemes = useLevelSchemes();
  const levels = schemes.data?.find((one) => one.id === node.scheme)?.rules.levels ?? [];
  return (
    <span className="fields">
      <Which
        label={t('insight.condition.scheme')}
        value={node.scheme}
        known={schemes.data}
        // Ranks of another scheme would mean other levels.
        onChange={(scheme) => onChange({ ...node, scheme, is: [] })}
      />
      <Select
        mode="multiple"
        className="wide-field"
        aria-label={t('insight.condition.kind.level')}
        placeholder={t('insight.condition.choose')}
        showSearch={{ optionFilterProp: 'label' }}
        disabled={!node.scheme}
        value={node.is}
        onChange={(is: number[]) => onChange({ ...node, is })}
        options={[
          ...levels.map((level, index) => ({ value: index + 1, label: level.name })),
          { value: 0, label: t('insight.condition.noLevel') },
        ]}
      />
    </span>
  );
}

/** Points that can be spent in one programme. */
export function PointsFields(props: { node: Of<'points'>; onChange: Change }) {
  const { t } = useTranslation();
  const { node, onChange } = props;
  const programmes = usePointsProgrammes();
  return (
    <span className="fields">
      <Which
        label={t('insight.condition.programme')}
        value={node.programme}
        known={programmes.data}
        onChange={(programme) => onChange({ ...node, programme })}
      />
      <BoundsField
        label={t('insight.condition.kind.points')}
        value={node.bounds}
        unit={t('insight.condition.unit.points')}
        onChange={(bounds) => onChange({ ...node, bounds })}
      />
    </span>
  );
}
