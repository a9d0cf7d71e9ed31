import { Input, InputNumber, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { PROVINCES } from '@/lib/provinces';
import { useMe } from '@/lib/rights';
import { CLASSIC_TIERS, ELEVEN_TIERS, RATINGS } from '@/lib/words';
import { useAudiences } from '@/ui/audiences';
import { optionsOf, useColleagues, usePeople } from '@/ui/people';
import { useTags } from '@/ui/tags';
import { useBuilder } from './builder';
import { ChosenFields, FigureFields } from './ChosenFields';
import { DaysField, ProductField, WhenField } from './fields';
import { LevelFields, PointsFields } from './LoyaltyFields';
import { CONTACT_CHANNELS, CONTACT_PURPOSES, type Condition, type Of, type Product } from './tree';

type Change = (node: Condition) => void;

/** A choice of one or many values; what is no longer there keeps its id. */
function Choose(props: {
  label: string;
  many?: boolean;
  value: string | string[];
  options: { value: string; label: string }[];
  onChange: (value: string[]) => void;
}) {
  const { t } = useTranslation();
  const missing = props.value === '' || props.value.length === 0;
  return (
    <Select
      mode={props.many ? 'multiple' : undefined}
      className="wide-field"
      aria-label={props.label}
      showSearch={{ optionFilterProp: 'label' }}
      placeholder={t('insight.condition.choose')}
      value={missing ? (props.many ? [] : undefined) : props.value}
      onChange={(value) => props.onChange(Array.isArray(value) ? value : [value])}
      options={props.options}
    />
  );
}

const NOBODY = 'nobody';

function OwnerFields(props: { node: Of<'owner'>; onChange: Change }) {
  const { t } = useTranslation();
  const me = useMe();
  const people = usePeople();
  const colleagues = useColleagues();
  const known = people.data ?? colleagues.data ?? [];
  const others = optionsOf(known.filter((one) => one.id !== me.id));
  return (
    <Choose
      many
      label={t('insight.condition.kind.owner')}
      value={props.node.is.map((one) => one ?? NOBODY)}
      options={[
        ...(me.id ? [{ value: me.id, label: t('insight.condition.me', { name: me.name }) }] : []),
        { value: NOBODY, label: t('insight.condition.nobody') },
        ...others,
      ]}
      onChange={(is) => props.onChange({ ...props.node, is: is.map((one) => (one === NOBODY ? null : one)) })}
    />
  );
}

function AudienceFields(props: { node: Of<'audience'>; onChange: Change }) {
  const { t } = useTranslation();
  const { self } = useBuilder();
  const audiences = useAudiences();
  return (
    <Choose
      label={t('insight.condition.kind.audience')}
      value={props.node.audience}
      options={(audiences.data ?? [])
        .filter((one) => one.id !== self)
        .map((one) => ({ value: one.id, label: one.name }))}
      onChange={([audience = '']) => props.onChange({ ...props.node, audience })}
    />
  );
}

function TagFields(props: { node: Of<'tag'>; onChange: Change }) {
  const { t } = useTranslation();
  const tags = useTags();
  return (
    <Choose
      label={t('insight.condition.kind.tag')}
      value={props.node.tag}
      options={(tags.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
      onChange={([tag = '']) => props.onChange({ ...props.node, tag })}
    />
  );
}

function CellFields(props: { node: Of<'cell'>; onChange: Change }) {
  const { t } = useTranslation();
  const [, r = '*', f = '*', m = '*'] = /^R(\d+|\*)F(\d+|\*)M(\d+|\*)$/.exec(props.node.is) ?? [];
  const one = (name: string, value: string, change: (to: string) => string) => (
    <Select
      aria-label={`${t('insight.condition.kind.cell')} ${name}`}
      value={value}
      popupMatchSelectWidth={false}
      onChange={(to) => props.onChange({ kind: 'cell', is: change(to) })}
      options={['*', '1', '2', '3', '4', '5'].map((score) => ({
        value: score,
        label: score === '*' ? t('insight.condition.anyScore', { name }) : `${name}${score}`,
      }))}
    />
  );
  return (
    <span className="fields">
      {one('R', r, (to) => `R${to}F${f}M${m}`)}
      {one('F', f, (to) => `R${r}F${to}M${m}`)}
      {one('M', m, (to) => `R${r}F${f}M${to}`)}
    </span>
  );
}

function RatingFields(props: { node: Of<'rating'>; onChange: Change }) {
  const { t } = useTranslation();
  const { min = 1, max = RATINGS.length } = props.node.bounds;
  // The server knows ratings by number, A being 1.
  const one = (name: string, value: number, change: (to: number) => { min: number; max: number }) => (
    <Select
      aria-label={name}
      popupMatchSelectWidth={false}
      value={value}
      onChange={(to) => props.onChange({ kind: 'rating', bounds: change(to) })}
      options={RATINGS.map((rating, index) => ({
        value: index + 1,
        label: t(`customers.rating.${rating}`),
      }))}
    />
  );
  return (
    <span className="fields">
      {one(t('insight.condition.ratingFrom'), min, (to) => ({ min: to, max: Math.max(to, max) }))}
      <span className="quiet">{t('ui.to')}</span>
      {one(t('insight.condition.ratingTo'), max, (to) => ({ min: Math.min(min, to), max: to }))}
    </span>
  );
}

function ContactFields(props: { node: Of<'may_contact'>; onChange: Change }) {
  const { t } = useTranslation();
  const { node, onChange } = props;
  return (
    <span className="fields">
      <Select
        aria-label={t('insight.condition.contact.channel')}
        popupMatchSelectWidth={false}
        value={node.channel}
        onChange={(channel) => onChange({ ...node, channel })}
        options={CONTACT_CHANNELS.map((one) => ({
          value: one,
          label: t(`customers.consent.channels.${one}`),
        }))}
      />
      <span className="quiet">{t('insight.condition.contact.for')}</span>
      <Select
        aria-label={t('insight.condition.contact.purpose')}
        popupMatchSelectWidth={false}
        value={node.purpose}
        onChange={(purpose) => onChange({ ...node, purpose })}
        options={CONTACT_PURPOSES.map((one) => ({
          value: one,
          label: t(`customers.consent.purposes.${one}`),
        }))}
      />
    </span>
  );
}

function BucketFields(props: { node: Of<'bucket'>; onChange: Change }) {
  const { t } = useTranslation();
  const { node } = props;
  const number = (name: 'from' | 'to' | 'buckets', most: number) => (
    <InputNumber
      className="figure-field"
      aria-label={t(`insight.condition.bucket.${name}`)}
      min={1}
      max={most}
      precision={0}
      value={node[name]}
      onChange={(value) => value && props.onChange({ ...node, [name]: value })}
    />
  );
  return (
    <span className="fields">
      {number('from', node.to)}
      <span className="quiet">{t('ui.to')}</span>
      {number('to', node.buckets)}
      <span className="quiet">{t('insight.condition.bucket.of')}</span>
      {number('buckets', 1_000_000)}
      <Input
        className="seed-field"
        aria-label={t('insight.condition.bucket.seed')}
        placeholder={t('insight.condition.bucket.seed')}
        maxLength={100}
        value={node.seed ?? ''}
        onChange={({ target }) => props.onChange({ ...node, seed: target.value || undefined })}
      />
    </span>
  );
}

const followedBy = (node: Of<'sequence'>, then: Product): Condition => ({ ...node, then });

/** The inputs of one condition. */
export function ConditionInputs(props: { node: Condition; onChange: Change }) {
  const { t } = useTranslation();
  const { node, onChange } = props;
  switch (node.kind) {
    case 'orders':
      return <FigureFields node={node} onChange={onChange} />;
    case 'owner':
      return <OwnerFields node={node} onChange={onChange} />;
    case 'tag':
      return <TagFields node={node} onChange={onChange} />;
    case 'audience':
      return <AudienceFields node={node} onChange={onChange} />;
    case 'cell':
      return <CellFields node={node} onChange={onChange} />;
    case 'rating':
      return <RatingFields node={node} onChange={onChange} />;
    case 'level':
      return <LevelFields node={node} onChange={onChange} />;
    case 'points':
      return <PointsFields node={node} onChange={onChange} />;
    case 'may_contact':
      return <ContactFields node={node} onChange={onChange} />;
    case 'bucket':
      return <BucketFields node={node} onChange={onChange} />;
    case 'created':
      return (
        <WhenField
          label={t('insight.condition.kind.created')}
          value={node.when}
          onChange={(when) => onChange({ ...node, when })}
        />
      );
    case 'first_order':
    case 'last_order':
      return (
        <>
          <WhenField
            label={t(`insight.condition.kind.${node.kind}`)}
            value={node.when}
            onChange={(when) => onChange({ ...node, when })}
          />
          <ChosenFields timeless value={node.of} onChange={(of) => onChange({ ...node, of })} />
        </>
      );
    case 'province':
      return (
        <Choose
          many
          label={t('insight.condition.kind.province')}
          value={node.is.map((one) => one || NOBODY)}
          options={[
            ...PROVINCES.map((one) => ({ value: one, label: one })),
            { value: NOBODY, label: t('insight.condition.unknown') },
          ]}
          onChange={(is) => onChange({ ...node, is: is.map((one) => (one === NOBODY ? '' : one)) })}
        />
      );
    case 'tier':
      return (
        <Choose
          many
          label={t('insight.condition.kind.tier')}
          value={node.is}
          options={[...ELEVEN_TIERS, ...CLASSIC_TIERS].map((one) => ({
            value: one,
            label: t(`ui.tier.${one}`),
          }))}
          onChange={(is) => onChange({ ...node, is })}
        />
      );
    case 'name':
      return (
        <Input
          className="wide-field"
          aria-label={t('insight.condition.kind.name')}
          placeholder={t('insight.condition.nameHint')}
          maxLength={500}
          value={node.contains}
          onChange={({ target }) => onChange({ ...node, contains: target.value })}
        />
      );
    case 'sequence':
      return (
        <>
          <ProductField
            label={t('insight.condition.first')}
            value={node.first}
            onChange={(first) => onChange({ ...node, first })}
          />
          <span className="fields">
            <span className="quiet">{t('insight.condition.thenWithin')}</span>
            <DaysField
              label={t('insight.condition.within')}
              value={node.within_days}
              onChange={(within_days) => onChange({ ...node, within_days })}
            />
            <span className="quiet">{t('insight.condition.thenBought')}</span>
          </span>
          <ProductField
            label={t('insight.condition.later')}
            value={node.then}
            onChange={(product) => onChange(followedBy(node, product))}
          />
          <WhenField
            label={t('insight.condition.choice.when')}
            value={node.when ?? 'ever'}
            onChange={(when) => onChange({ ...node, when: when === 'ever' ? undefined : when })}
          />
        </>
      );
    default:
      return <span className="quiet">{t('insight.condition.nothingMore')}</span>;
  }
}
