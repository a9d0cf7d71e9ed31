import { SyncOutlined } from '@ant-design/icons';
import { Tag as AntTag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Import, Tag } from '@/api/types';

const TIER_GROUP: Record<string, string> = {
  champions: 'best',
  loyal: 'best',
  important_value: 'best',
  potential_loyalist: 'rising',
  new_customers: 'rising',
  promising: 'rising',
  important_develop: 'rising',
  general_value: 'rising',
  general_develop: 'rising',
  need_attention: 'risk',
  about_to_sleep: 'risk',
  at_risk: 'risk',
  cant_lose: 'risk',
  important_keep: 'risk',
  general_keep: 'risk',
  important_retain: 'risk',
  hibernating: 'gone',
  lost: 'gone',
  general_retain: 'gone',
};

/** The name of a tier with a mark for its group; the word carries the meaning, the colour helps. */
export function TierMark(props: { tier?: string | null }) {
  const { t } = useTranslation();
  if (!props.tier) return <span className="nothing">–</span>;
  return (
    <span className={`tier tier-${TIER_GROUP[props.tier] ?? 'gone'}`}>
      {t(`ui.tier.${props.tier}`, { defaultValue: props.tier })}
    </span>
  );
}

const STATE_COLOUR: Record<string, string | undefined> = {
  unpaid: 'gold',
  paid: 'blue',
  partly_shipped: 'cyan',
  shipped: 'cyan',
  completed: 'green',
  closed: undefined,
};

export function OrderStateMark(props: { state?: string | null }) {
  const { t } = useTranslation();
  if (!props.state) return <span className="nothing">–</span>;
  return (
    <AntTag color={STATE_COLOUR[props.state]} className="mark">
      {t(`ui.orderState.${props.state}`, { defaultValue: props.state })}
    </AntTag>
  );
}

const IMPORT_COLOUR: Record<string, string | undefined> = {
  draft: undefined,
  queued: 'blue',
  running: 'blue',
  paused: 'gold',
  finished: 'green',
  failed: 'red',
  undoing: 'blue',
};

export function ImportStateMark(props: { import: Pick<Import, 'state' | 'dry_run'> }) {
  const { t } = useTranslation();
  const { state, dry_run } = props.import;
  return (
    <span className="marks">
      <AntTag color={IMPORT_COLOUR[state]} className="mark">
        {t(`ui.importState.${state}`, { defaultValue: state })}
      </AntTag>
      {dry_run ? <AntTag className="mark">{t('ui.dryRun')}</AntTag> : null}
    </span>
  );
}

/** A tag; one that comes and goes by a rule bears a sign. */
export function TagMark(props: { tag: Pick<Tag, 'name' | 'colour' | 'automatic'> }) {
  const { t } = useTranslation();
  const { tag } = props;
  return (
    <AntTag
      color={tag.colour === 'default' ? undefined : tag.colour}
      className="mark"
      icon={
        tag.automatic ? (
          <SyncOutlined role="img" aria-label={t('ui.automaticTag')} title={t('ui.automaticTag')} />
        ) : undefined
      }
    >
      {tag.name}
    </AntTag>
  );
}

export function CustomerTags(props: { tags: Tag[]; most?: number }) {
  const shown = props.most ? props.tags.slice(0, props.most) : props.tags;
  return (
    <span className="marks">
      {shown.map((tag) => (
        <TagMark key={tag.id} tag={tag} />
      ))}
      {props.most && props.tags.length > props.most ? (
        <span className="quiet">+{props.tags.length - props.most}</span>
      ) : null}
    </span>
  );
}

export function ChannelName(props: { channel?: string | null }) {
  const { t } = useTranslation();
  if (!props.channel) return null;
  return <>{t(`ui.channel.${props.channel}`, { defaultValue: props.channel })}</>;
}
