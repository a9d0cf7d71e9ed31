import { useTranslation } from 'react-i18next';

/** What a type of message is called; its own name where there is no word for it. */
export function useTopicName() {
  const { t } = useTranslation();
  return (topic: string) =>
    t(`platform.webhooks.topicNames.${topic.replaceAll('.', '_')}`, { defaultValue: topic });
}
