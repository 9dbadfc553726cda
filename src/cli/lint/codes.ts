import type { Severity } from '../../models/finding.ts';

interface Code {
  readonly severity: Severity | 'error or warning';
  /** What it means, for the reference page. */
  readonly meaning: string;
}

/** Every code of a finding about a manifest, beside the ids of the API's rules. A code keeps its meaning for ever. */
export const lintCodes: Readonly<Record<string, Code>> = {
  'MW-L2001': { severity: 'error', meaning: 'The file is not YAML, or a map in it has a key twice.' },
  'MW-L2002': { severity: 'error', meaning: 'The API group has no such version or kind.' },
  'MW-L2003': { severity: 'error', meaning: 'There is no such field there.' },
  'MW-L2004': { severity: 'error', meaning: 'A required field is missing.' },
  'MW-L2005': {
    severity: 'error',
    meaning: 'A value has the wrong type, often because YAML takes unquoted text for a number or a boolean.',
  },
  'MW-L2006': { severity: 'error', meaning: 'A value is not one of those that are allowed.' },
  'MW-L2007': { severity: 'error', meaning: 'A text has not the form that the field needs.' },
  'MW-L2008': { severity: 'error', meaning: 'A number, text, list or map is too small or too large.' },
  'MW-L2009': { severity: 'error', meaning: 'A list that is told apart by a key has the same key twice.' },
  'MW-L2010': { severity: 'error', meaning: 'The same object stands in the manifests twice.' },
  'MW-L2011': { severity: 'warning', meaning: 'A field has no value; the API server leaves it out.' },
  'MW-L2012': { severity: 'warning', meaning: 'Two manifests of a namespace describe the same model and version.' },
  'MW-L2101': { severity: 'warning', meaning: 'The runtime does not load models of this framework.' },
  'MW-L2102': { severity: 'warning', meaning: 'The image tag moves: the same manifest gives another server later.' },
  'MW-L2103': { severity: 'warning', meaning: 'The name of a tensor has blanks around it.' },
  'MW-L2104': { severity: 'warning', meaning: 'The layout of an image tensor does not fit its shape.' },
  'MW-L2105': { severity: 'warning', meaning: 'One tensor has a free first dimension, another a fixed one.' },
  'MW-L2106': { severity: 'info', meaning: 'The batch size is fixed in the shapes.' },
  'MW-L2107': { severity: 'info', meaning: 'A reference is given twice.' },
  'MW-L2108': { severity: 'warning', meaning: 'A reference looks like a URL and is none.' },
  'MW-L2109': { severity: 'warning', meaning: 'A free attribute of the model has a field of its own.' },
  'MW-L2110': { severity: 'error', meaning: 'The schedule of a ModelProfile cannot be read, or never comes.' },
  'MW-L2201': {
    severity: 'error or warning',
    meaning: 'The KServe named by `--kserve-version` would refuse it, or do something else than is meant.',
  },
};
