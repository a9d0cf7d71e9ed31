import { LeftOutlined, RightOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';

/** A month back, this month, a month on. */
export function MonthSteps(props: {
  /** Months from the one that is shown. */
  go: (by: number) => void;
  now: () => void;
  /** Ends that cannot be passed. */
  first?: boolean;
  last?: boolean;
}) {
  const { t } = useTranslation();
  return (
    <span className="month-steps">
      <Button
        size="small"
        icon={<LeftOutlined />}
        aria-label={t('ui.monthBefore')}
        disabled={props.first}
        onClick={() => props.go(-1)}
      />
      <Button size="small" onClick={props.now}>
        {t('ui.thisMonth')}
      </Button>
      <Button
        size="small"
        icon={<RightOutlined />}
        aria-label={t('ui.monthAfter')}
        disabled={props.last}
        onClick={() => props.go(1)}
      />
    </span>
  );
}
