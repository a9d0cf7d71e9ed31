import type { TFunction } from 'i18next';
import type { FileEvidence, RejectReason } from '@/api/types';

/** The arguments of a code as its text takes them: names in the page's language, lists joined. */
function told(t: TFunction, said: RejectReason | FileEvidence) {
  const named = Object.entries(said).map(([name, value]) => {
    if (name === 'format') return [name, t(`commerce.told.format.${value}`, { defaultValue: value })];
    if (name === 'delimiter') return [name, t(`commerce.told.delimiter.${value}`, { defaultValue: value })];
    return [name, Array.isArray(value) ? value.join(t('ui.comma')) : value];
  });
  return Object.fromEntries(named) as Record<string, string>;
}

/**
 * Why a row is rejected, without the name of the column, or in `english` where the code is of a newer
 * server.
 */
export function reasonText(t: TFunction, reason: RejectReason, english: string): string {
  const fault = t(`commerce.told.reason.${reason.code}`, { ...told(t, reason), defaultValue: '' });
  if (!fault) return english;
  const lost = reason.lines_lost ? t('commerce.told.about.lines_lost', { lines: reason.lines_lost }) : '';
  const kept = reason.kept_back ? t('commerce.told.about.kept_back', { ...reason.kept_back }) : '';
  return fault + lost + kept;
}

/** Why encoding, delimiter or format are believed. */
export function evidenceText(t: TFunction, evidence: FileEvidence, english = ''): string {
  return t(`commerce.told.evidence.${evidence.code}`, { ...told(t, evidence), defaultValue: english });
}
