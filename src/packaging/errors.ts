/** Why packaging, pushing or fetching stopped, in a stable word that scripts can test. */
export type PackagingErrorCode =
  | 'ArchiveRefused'
  | 'ArchiveDamaged'
  | 'ChecksumMismatch'
  | 'SourceRefused'
  | 'SourceChanged'
  | 'LayoutUnknown'
  | 'LintFailed'
  | 'TargetNotEmpty'
  | 'InvalidArgument'
  | 'CredentialsMissing'
  | 'AccessDenied'
  | 'NotFound'
  | 'Conflict'
  | 'StorageFailed';

/** An expected failure: a code, a sentence that says what to do, and the entry or path it is about. Holds no secret. */
export class PackagingError extends Error {
  readonly code: PackagingErrorCode;
  readonly subject: string | undefined;

  constructor(code: PackagingErrorCode, message: string, subject?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PackagingError';
    this.code = code;
    this.subject = subject;
  }
}
