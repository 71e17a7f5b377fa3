/** Where a link in a terminal may lead: what is open to a candidate during the exam. */
const hosts = ['kubernetes.io', 'helm.sh', 'gateway-api.sigs.k8s.io'];

/** Finds such links in a line; full stops and closing brackets behind one do not belong to it. */
export const documentationLink =
  /https:\/\/(?:kubernetes\.io|helm\.sh|gateway-api\.sigs\.k8s\.io)(?:\/(?:[^\s"'<>()]*[^\s"'<>().,:;!?])?|(?![\w:@-]|\.\w))/;

/** Whether a program's hyperlink may be opened. */
export function isDocumentationLink(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, host, username } = new URL(address);
  return protocol === 'https:' && hosts.includes(host) && username === '';
}
