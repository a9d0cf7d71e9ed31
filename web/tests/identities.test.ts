import { describe, expect, it } from 'vitest';
import { wrongWith } from '@/modules/customers/identities';

describe('what is typed as an identity', () => {
  it('is told apart where it is plainly wrong', () => {
    for (const [kind, typed, wrong] of [
      ['phone', '138****0001', 'masked'],
      ['phone', '18877771111-123', 'virtual'],
      ['phone', '+86 18877771111-1234', 'virtual'],
      ['phone', '0571-88888888', 'phone'],
      ['phone', '12345', 'phone'],
      ['phone', ' ', 'empty'],
      ['email', 'z***@example.com', 'masked'],
      ['email', 'a@b', 'email'],
      ['account', 't**3', 'masked'],
      ['account', '', 'empty'],
    ] as const) {
      expect([typed, wrongWith(kind, typed)]).toEqual([typed, wrong]);
    }
  });

  it('passes in every form that the server reads', () => {
    for (const [kind, typed] of [
      ['phone', '13800000001'],
      ['phone', '138-0000-0001'],
      ['phone', '+86 138 0000 0001'],
      ['phone', '0086-138-0000-0001'],
      ['phone', '+44 7911 123456'],
      ['email', ' A@Example.com '],
      ['account', 'tea lover'],
    ] as const) {
      expect([typed, wrongWith(kind, typed)]).toEqual([typed, undefined]);
    }
  });
});
