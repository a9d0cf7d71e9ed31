import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { AudienceCount } from '@/api/types';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';

/** The definition as SQL, to read and to take elsewhere. */
export function SqlView(props: {
  answer?: AudienceCount;
  /** Why it is not the SQL of what is being edited. */
  note?: string;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const { answer } = props;
  const sql = answer?.sql ?? undefined;
  const copy = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text);
      say.done(t('insight.audience.sqlCopied'));
    } catch {
      // Browsers keep the clipboard from pages without TLS, but for those of the same machine.
      say.wrong(t('insight.audience.sqlNotCopied'));
    }
  };
  return (
    <div className="stack">
      {props.note ? <Alert type="info" showIcon title={t('insight.audience.sqlBehind')} /> : null}
      {sql === undefined ? (
        <p className="quiet">{t(answer ? 'insight.audience.sqlTooLarge' : 'ui.loading')}</p>
      ) : (
        <>
          <ScrollX label={t('insight.audience.sqlLabel')} className="sql">
            <pre>{sql}</pre>
          </ScrollX>
          <div className="sql-foot">
            <p className="quiet">{t('insight.audience.sqlHint')}</p>
            <Button size="small" onClick={() => void copy(sql)}>
              {t('insight.audience.sqlCopy')}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}
