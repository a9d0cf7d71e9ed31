import { useTranslation } from 'react-i18next';
import type { Team } from '@/api/types';
import type { FieldRule } from '@/lib/rights';
import { useRoles } from './api';

/** What people call a role: the built-in ones by the dictionary, others as they were named. */
export function useRoleName(): (name: string) => string {
  const { t } = useTranslation();
  const roles = useRoles();
  return (name) => {
    const title = roles.data?.find((role) => role.name === name)?.title;
    return title ?? t(`identity.role.${name}`, { defaultValue: name });
  };
}

/** What a right allows, in the reader's words. */
export function useRightName(): (right: string) => string {
  const { t } = useTranslation();
  return (right) => t(`identity.right.${right.replace('.', '_')}`, { defaultValue: right });
}

/** What is done with fields, in the reader's words. */
export function useRuleNames(): (rules: Readonly<Record<string, FieldRule>>) => string[] {
  const { t } = useTranslation();
  return (rules) =>
    Object.entries(rules).map(([field, rule]) =>
      t('identity.rule.of', {
        field: t(`identity.field.${field.replace('.', '_')}`, { defaultValue: field }),
        rule: t(`identity.rule.${rule}`),
      }),
    );
}

/** A team with those above it. Empty for none. */
export function teamPath(teams: readonly Team[], id?: string | null): string {
  const names: string[] = [];
  let here = teams.find((team) => team.id === id);
  // A team stands above itself in no tree, but a page must not hang on one that does.
  while (here && names.length <= teams.length) {
    names.unshift(here.name);
    const above: string | null | undefined = here.parent_id;
    here = above ? teams.find((team) => team.id === above) : undefined;
  }
  return names.join(' / ');
}
