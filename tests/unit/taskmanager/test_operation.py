"""The vocabulary of operations."""

import pytest

from tests.unit.taskmanager import doubles
from trove.taskmanager import operation


def test_operation_needs_a_clean_up():
    with pytest.raises(TypeError, match='failed'):
        operation.Operation(doubles.claim(), doubles.tools())


def test_operation_works_on_a_copy_of_its_memo():
    claim = doubles.claim(memo={'server': 1})
    story = doubles.Story(claim, doubles.tools())
    story.memo['server'] = 2
    assert claim.memo == {'server': 1}


def test_operation_speaks_under_the_request_that_asked_for_it():
    story = doubles.Story(doubles.claim(), doubles.tools())
    assert (story.context.request_id, story.context.is_admin, story.subject_id) == ('req-1', True, 'subject')


def test_job_has_the_same_name_at_each_repetition():
    names = {doubles.Story(doubles.claim(attempts=n), doubles.tools()).job_id('prepare') for n in range(3)}
    assert names == {'operation.prepare'}


@pytest.mark.parametrize(('step', 'progress'), [('begin', 0), ('end', 50), ('failed', 0)])
def test_progress_is_the_place_in_the_story(step, progress):
    assert doubles.Story.progress_of(step) == progress


def test_words_carry_their_reasons():
    assert str(operation.Fail('50% full')) == '50% full'
    retry = operation.Retry('50% full', 3.0)
    assert (str(retry), retry.delay_seconds) == ('To be tried again: 50% full', 3.0)
    assert 'subject' in str(operation.Cancelled('subject'))
