import { Link } from '@tanstack/react-router';
import type { CSSProperties, ReactNode } from 'react';
import { parseSearch } from '@/lib/url';

/** A link inside the program; `href` may carry a query. */
export function AppLink(props: {
  href: string;
  children: ReactNode;
  className?: string;
  style?: CSSProperties;
  'aria-label'?: string;
  title?: string;
  onClick?: () => void;
}) {
  const { href, children, ...rest } = props;
  const [path, query] = href.split('?');
  return (
    <Link to={(path || '/') as never} search={parseSearch(query ?? '') as never} {...rest}>
      {children}
    </Link>
  );
}
