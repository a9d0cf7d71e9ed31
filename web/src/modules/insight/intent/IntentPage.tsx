import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { oneOf } from '@/lib/known';
import { useMay } from '@/lib/rights';
import { useKnownUrl } from '@/ui/known';
import { Page } from '@/ui/Page';
import { FileView } from './FileView';
import { OwnView } from './OwnView';

const TABS = ['own', 'file'];

/** Who is about to buy: of the organisation's customers, or of any file. */
export default function IntentPage() {
  const { t } = useTranslation();
  const trains = useMay()('insight.models');
  const [url, setUrl] = useKnownUrl({ tab: oneOf(TABS) });
  const tab = trains ? (url.tab ?? 'own') : 'own';
  return (
    <Page
      title={t('insight.intent.title')}
      note={t('insight.intent.note')}
      actions={
        trains ? (
          <Segmented
            aria-label={t('insight.intent.tabs')}
            value={tab}
            onChange={(value) => setUrl({ tab: value === 'own' ? undefined : String(value) })}
            options={TABS.map((value) => ({ value, label: t(`insight.intent.tab.${value}`) }))}
          />
        ) : null
      }
    >
      <div className="stack">{tab === 'own' ? <OwnView /> : <FileView />}</div>
    </Page>
  );
}
