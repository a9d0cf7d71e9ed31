import { useUrl } from '@/lib/url';
import { AudienceEditor } from './AudienceEditor';

/** A new audience; the address may bring a name and a text to begin with. */
export default function NewAudiencePage() {
  const [url] = useUrl();
  return <AudienceEditor start={{ name: url.name, text: url.text }} />;
}
