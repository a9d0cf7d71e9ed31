import { useBlocker } from '@tanstack/react-router';
import { Modal } from 'antd';
import type { RefObject } from 'react';
import { useTranslation } from 'react-i18next';

/** Asks before what is not saved is left behind. */
export function LeaveGuard(props: { on: boolean; passing: RefObject<boolean> }) {
  const { t } = useTranslation();
  const { on, passing } = props;
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => on && !passing.current && current.pathname !== next.pathname,
    enableBeforeUnload: () => on && !passing.current,
    withResolver: true,
  });
  return (
    <Modal
      open={blocker.status === 'blocked'}
      title={t('insight.leave.title')}
      okText={t('insight.leave.leave')}
      okButtonProps={{ danger: true }}
      cancelText={t('insight.leave.stay')}
      onOk={() => blocker.proceed?.()}
      onCancel={() => blocker.reset?.()}
    >
      <p>{t('insight.leave.text')}</p>
    </Modal>
  );
}
