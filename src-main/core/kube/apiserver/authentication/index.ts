export {
  anonymousUser,
  type AuthenticationOptions,
  createAuthenticator,
  type RequestAuthenticator,
} from './authenticator.ts';
export { impersonatedUser, ImpersonationModes } from './impersonation.ts';
export { discoveryDocument, keyIdOf, keySetDocument } from './openid.ts';
export { issueServiceAccountToken, type TokenIssuer } from './token-request.ts';
