/** What to do about a download that failed, by the words of KServe's storage initializer (kserve_storage, storage_errors.py) and of `modelwright fetch`. */
export function remedyForDownload(message: string): string {
  if (/CERTIFICATE_VERIFY_FAILED|certificate verify failed/i.test(message)) {
    return "give the storage initializer the server's CA (storageInitializer.caBundleConfigMapName in inferenceservice-config)";
  }
  if (/Content-Type/.test(message)) return 'upload the package with Content-Type application/zip';
  if (/unpack|File format is not valid|Unable to open|BadZipFile/i.test(message))
    return 'make the package again with modelwright package; the archive is damaged';
  if (/authentication failed|AuthenticationFailed|InvalidAuthenticationInfo|NoCredentials|Unable to locate credentials/i.test(message)) {
    return 'check the storage credentials: a Secret that spec.serviceAccountName names, with the keys KServe knows';
  }
  if (/access denied|AuthorizationFailure|AuthorizationPermissionMismatch|403|Forbidden/i.test(message)) {
    return 'give the credentials the right to list and to read the container';
  }
  if (/No model found|not found|does not exist|404|NoSuchKey|NoSuchBucket/i.test(message)) {
    return 'correct spec.source.storageUri: nothing lies there';
  }
  if (/No space left|ephemeral/i.test(message)) return 'the node is out of disk space: use a bigger one, or a smaller package';
  if (
    /Failed to connect|resolve|timed? ?out|Connection|Temporary failure|ECONN|ENOTFOUND|EAI_AGAIN|E(HOST|NET)UNREACH|REQUEST_SEND_ERROR/i.test(
      message,
    )
  ) {
    return 'the storage cannot be reached from the node: check the host in spec.source.storageUri, network policies and proxies';
  }
  if (/filename contained/i.test(message)) return 'name a file in spec.source.storageUri, not a folder';
  return 'correct spec.source.storageUri or its credentials';
}
