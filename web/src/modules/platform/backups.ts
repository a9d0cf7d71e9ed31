import type { Backup } from '@/api/types';

/** A backup is made each day; one that is late by half a day more is missing. */
const LATE_MS = 36 * 3_600_000;

/** Of the backups that were found whole the newest: the moment of its data, and whether that is too long ago. */
export function newestWhole(backups: Backup[], now: number): { at?: string; isLate: boolean } {
  const whole = backups.filter((backup) => backup.ok && backup.created_at);
  const at = whole
    .map((backup) => backup.created_at ?? '')
    .sort()
    .at(-1);
  return { at, isLate: !at || now - new Date(at).getTime() > LATE_MS };
}
