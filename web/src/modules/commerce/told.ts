import type { TFunction } from 'i18next';
import type { FileEvidence, ImportObstacle, RejectReason } from '@/api/types';

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

/**
 * Why an import stopped or cannot be taken back, or in `english` where there is no code that is known;
 * nothing where the server says nothing.
 */
export function obstacleText(
  t: TFunction,
  obstacle?: ImportObstacle | null,
  english?: string | null,
): string | undefined {
  if (!obstacle || !english) return english ?? undefined;
  const { code, ...said } = obstacle;
  return t(`commerce.obstacle.${code}`, { ...said, ...named(t, obstacle), defaultValue: english });
}

/** What is told of an obstacle in other words than its arguments have. */
function named(t: TFunction, obstacle: ImportObstacle): Record<string, string> {
  const comma = t('ui.comma');
  switch (obstacle.code) {
    case 'built_upon':
      return { later: obstacle.later.map((one) => `#${one.number}`).join(comma) };
    case 'worked_with': {
      const done = (['noted', 'tagged', 'edited', 'merged'] as const).filter((what) => obstacle[what] > 0);
      const told = done.map((what) => t(`commerce.workedWith.${what}`, { n: obstacle[what] }));
      return { done: told.join(comma) };
    }
    default:
      return {};
  }
}
