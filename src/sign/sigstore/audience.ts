/** What every instance of Fulcio asks tokens to be for: https://docs.sigstore.dev/certificate_authority/oidc-in-fulcio/ */
export const sigstoreAudience = 'sigstore';
