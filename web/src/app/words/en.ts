import commerce from '@/modules/commerce/en';
import customers from '@/modules/customers/en';
import identity from '@/modules/identity/en';
import insight from '@/modules/insight/en';
import platform from '@/modules/platform/en';
import ui from '@/ui/en';
import app from '../en';

export default { ui, app, customers, commerce, insight, identity, platform };
