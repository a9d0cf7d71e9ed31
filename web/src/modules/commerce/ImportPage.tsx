import { useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { ImportStateMark } from '@/ui/marks';
import { Page } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { useImport } from './api';
import { DraftView } from './DraftView';
import { formatNames, importName } from './names';
import { ResultView } from './ResultView';
import { RunningView } from './RunningView';

/** One import through all its states; the page may be closed at any time. */
export default function ImportPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const { t } = useTranslation();
  const format = useFormat();
  const query = useImport(id);
  return (
    <Loaded query={query}>
      {(it) => (
        <Page
          title={importName(it)}
          heading={
            <>
              {importName(it)} <ImportStateMark import={it} />
            </>
          }
          note={[
            it.shop?.name,
            formatNames(t, it.format),
            it.encoding,
            format.bytes(it.files.reduce((sum, file) => sum + file.size_bytes, 0)),
          ]
            .filter(Boolean)
            .join(' · ')}
        >
          {it.state === 'draft' ? (
            <DraftView import={it} />
          ) : ['queued', 'running', 'paused', 'undoing'].includes(it.state) ? (
            <RunningView import={it} />
          ) : (
            <ResultView import={it} />
          )}
        </Page>
      )}
    </Loaded>
  );
}
