import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { State } from './api';

const HUES: Record<State, string> = { draft: 'default', live: 'green', stopped: 'orange', ended: 'default' };

/** Where a promotion is in its life. */
export function StateTag(props: { state: State }) {
  const { t } = useTranslation();
  return <Tag color={HUES[props.state]}>{t(`loyalty.promotions.states.${props.state}`)}</Tag>;
}
