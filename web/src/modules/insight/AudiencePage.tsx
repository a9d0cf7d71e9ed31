import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Page, Panel } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { AudienceEditor } from './AudienceEditor';
import { useAudience } from './api';

/** An audience that is kept. */
export default function AudiencePage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const client = useQueryClient();
  const query = useAudience(id);
  // Another number begins the editor anew.
  const [round, setRound] = useState(0);
  if (!query.data)
    return (
      <Page title={t('insight.audience.one')}>
        <Panel>
          <Loaded query={query}>{() => null}</Loaded>
        </Panel>
      </Page>
    );
  return (
    <AudienceEditor
      key={`${id}-${round}`}
      saved={query.data}
      onReload={() =>
        void client
          .refetchQueries({ queryKey: ['audience', id] })
          .then(() => setRound((before) => before + 1))
      }
    />
  );
}
